// The right phone: the chat in which cards arrive.

import { post } from './api.js'
import { card } from './card.js'
import { $, el, svg } from './dom.js'
import { back, dayAndHours, frame, menu } from './frame.js'
import { openPage } from './mini.js'
import { copy, failed, note } from './note.js'
import { appName } from './person.js'
import { link, settings } from './settings.js'
import { savePicture } from './picture.js'
import { notificationSettings } from './refusals.js'
import { t, wxLanguage } from './words.js'
import { choose, fetchEntry, on, refresh, world } from './world.js'

const most = 100 // cards shown
const quiet = 3 * 60 * 1000 // a time stands above a card after that long
let phone
let shown = [] // the cards on the screen, oldest first
let aim = null // the card that a link points at, or that was touched last

export function startChat (figure) {
  phone = frame(figure, 'service')
  phone.body.setAttribute('role', 'log')
  phone.body.addEventListener('click', touched)
  on('user words look reset', () => { draw() })
  on('card', arrived)
  draw()
  return phone
}

const mine = (c) => c.openid === world.user && c.appid === world.app

let soon = false
function arrived (c) {
  if (!mine(c)) return
  const last = shown.at(-1)
  if (!c.late && (!last || last.seq < c.seq)) return append(c)
  if (soon) return
  soon = true // many at once, while catching up
  queueMicrotask(() => { soon = false; draw() })
}

function draw () {
  drawBars()
  shown = [...world.card.values()].filter(mine).sort((a, b) => a.seq - b.seq).slice(-most)
  const kept = aim && world.card.get(aim)
  if (kept && mine(kept) && !shown.includes(kept)) shown.unshift(kept)
  phone.body.replaceChildren(...(shown.length ? shown.flatMap((c, i) => entry(c, shown[i - 1])) : [empty()]))
  reveal()
}

function append (c) {
  if (shown.length === 0) phone.body.replaceChildren()
  const nodes = entry(c, shown.at(-1))
  nodes.at(-1).classList.add('new')
  shown.push(c)
  phone.body.append(...nodes)
  if (shown.length > most + 50) return draw()
  phone.body.scrollTop = phone.body.scrollHeight
}

function entry (c, before) {
  const time = new Date(c.time)
  const pill = !before || time - new Date(before.time) > quiet ? [el('div.when', null, el('span', null, dayAndHours(time)))] : []
  const node = drawn(c)
  node.id = 'card-' + c.seq
  node.dataset.seq = c.seq
  node.setAttribute('aria-label', c.title)
  return [...pill, node]
}

// drawn hands the sandbox's card to the renderer, in the shape of a message.
function drawn (c) {
  const template = { app: appName(c.appid), title: c.title, keywords: c.rows.map((r) => ({ key: r.key, name: r.name })) }
  const data = Object.fromEntries(c.rows.map((r) => [r.key, { value: r.value, color: r.color }]))
  const emphasis = c.emphasis ? c.emphasis + '.DATA' : ''
  return card(template, { data, emphasis_keyword: emphasis, page: c.page, time: c.time, lang: wxLanguage() }, settings.era)
}

function empty () {
  return el('div.empty', null,
    svg(44, 44, '0 0 44 44', ['path', { d: 'M8 9h28a3 3 0 0 1 3 3v18a3 3 0 0 1-3 3H22l-9 7v-7H8a3 3 0 0 1-3-3V12a3 3 0 0 1 3-3z', fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linejoin': 'round' }], ['path', { d: 'M13 18h18M13 25h11', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round' }]),
    el('b', null, t('empty')), el('p', null, t(world.server ? 'empty_demo' : 'empty_hint')))
}

function drawBars () {
  const dark = settings.era === 'today' && settings.phone === 'dark'
  phone.screen.className = 'screen service ' + settings.era + (dark ? ' dk' : '')
  phone.caption.textContent = t('chat_caption')
  phone.body.setAttribute('aria-label', t('chat_caption'))
  phone.nav.replaceChildren(
    el('span.back', { 'aria-hidden': 'true' }, back(), settings.era === 'ios2018' ? el('em', null, t('wechat')) : ''),
    el('span.title', null, t('service')),
    el('button.gear', { type: 'button', id: 'gear', 'aria-label': t('notification_settings'), on: { click: () => notificationSettings(phone) } }, gear()))
}

function gear () {
  if (settings.era === 'today') return svg(22, 6, '0 0 22 6', ...[3, 11, 19].map((cx) => ['circle', { cx, cy: 3, r: 2, fill: 'currentColor' }]))
  const line = { fill: 'none', stroke: 'currentColor', 'stroke-width': 1.7, 'stroke-linejoin': 'round' }
  return svg(21, 21, '0 0 24 24', ['circle', { ...line, cx: 12, cy: 12, r: 3.2 }],
    ['path', { ...line, d: 'M12 2.6l1.5 2.6 2.9-.7.7 2.9 2.9.7-.7 2.9L21.6 12l-2.3 1.5.7 2.9-2.9.7-.7 2.9-2.9-.7L12 21.4l-1.5-2.1-2.9.7-.7-2.9-2.9-.7.7-2.9L2.4 12l2.3-1.5-.7-2.9 2.900-.7.7-2.9 2.900.7z' }])
}

function touched (e) {
  const node = e.target.closest('.wxcard')
  if (!node) return
  const seq = Number(node.dataset.seq)
  aim = seq
  const act = e.target.closest('[data-act]')?.dataset.act || 'open'
  const done = { open, refuse, more }[act](seq)
  if (done) done.catch(failed)
}

async function open (seq) {
  const { page } = await post('/sandbox/cards/' + seq + '/tap')
  if (page === null) return phone.toast(t('no_page'))
  openPage(page, seq)
  document.dispatchEvent(new Event('front-mini'))
}

async function refuse (seq) {
  await post('/sandbox/cards/' + seq + '/reject')
  phone.toast(t('refused'))
  refresh()
}

function more (seq) {
  menu(phone, t('card_menu'), t('cancel'), [
    [t('refuse'), () => refuse(seq).catch(failed)],
    [t('picture'), () => takePicture(seq)],
    [t('copy_card'), () => copy(link('card', seq))]
  ])
}

// current is the card that buttons outside of the phone mean.
export function current () {
  const c = shown.find((x) => x.seq === aim) || shown.at(-1)
  if (!c) note(t('empty'))
  return c
}

export function takePicture (seq) {
  const node = $('#card-' + seq)
  if (node) savePicture(node, 'card-' + seq).catch(failed)
}

// showCard brings a card to sight, whoever's it is.
export async function showCard (seq) {
  const c = await fetchEntry('card', seq)
  if (!c) return note(t('no_card', { seq }), true)
  aim = seq
  choose(c.openid, c.appid)
  draw()
}

// reveal is for when the chat comes to sight: what is hidden has no place to
// scroll to.
export function reveal () {
  if (!pointAt()) phone.body.scrollTop = phone.body.scrollHeight
}

function pointAt () {
  const node = aim && $('#card-' + aim)
  if (!node) return false
  node.classList.add('aim')
  node.scrollIntoView({ block: 'nearest' })
  return true
}
