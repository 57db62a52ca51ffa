// The list of everything that was asked of WeChat, and of the events that it
// pushed; newest first.

import { $, $$, arrows, el } from './dom.js'
import { drawDetail } from './detail.js'
import { note } from './note.js'
import { target } from './settings.js'
import { t } from './words.js'
import { fetchEntry, on, show, templateOf, userOf, world } from './world.js'

const most = 200 // rows shown
let list, count, filter, group, pauseButton
let chosen = null // the entry whose detail is shown
let follows = true // the newest is shown, until another is chosen
let paused = false
let missed = 0 // while paused
let cleared = '' // entries up to that moment are not shown

export function startInspector (box) {
  count = el('span.tag', { id: 'count' })
  pauseButton = el('button.btn', { type: 'button', id: 'pause', 'aria-pressed': 'false', on: { click: pause } })
  const clear = el('button.btn', { type: 'button', id: 'clear', data: { t: 'clear', tTitle: 'clear_title' }, on: { click: clearList } })
  filter = el('input', { type: 'search', id: 'filter', data: { tHint: 'filter', tLabel: 'filter' }, on: { input: redraw } })
  group = el('select', { id: 'group', data: { tLabel: 'which_requests' }, on: { change: redraw } })
  list = el('div.reqs', { role: 'group', data: { tLabel: 'inspector' } })
  box.replaceChildren(
    el('div.ihead', null, el('h2', { id: 'inspector-h', data: { t: 'inspector' } }), count, el('span.space'), pauseButton, clear),
    el('div.ifilter', null, filter, group), list, el('div.detail', { id: 'detail' }))
  arrows(list, '.req')
  on('request event', arrived)
  on('reset', () => { cleared = ''; chosen = null; follows = true; redraw() })
  show('state', () => [world.users, world.templates], words)
}

const kinds = {
  all: () => true,
  bad: (e) => e.kind === 'request' && (e.errcode !== 0 || !e.answered || e.fault),
  sends: (e) => e.kind === 'request' && e.path.endsWith('/send'),
  tokens: (e) => e.kind === 'request' && e.path.includes('token'),
  events: (e) => e.kind === 'event'
}

function words () {
  group.replaceChildren(...Object.keys(kinds).map((k) => el('option', { value: k, selected: k === group.value }, t('requests_' + k))))
  drawPause()
  redraw()
}

function drawPause () {
  pauseButton.textContent = paused ? t('resume', { n: missed }) : t('pause')
  pauseButton.setAttribute('aria-pressed', String(paused))
}

function pause () {
  paused = !paused
  missed = 0
  drawPause()
  if (!paused) redraw()
}

function clearList () {
  cleared = entries().map((e) => e.time).sort().at(-1) || cleared
  chosen = null
  follows = true
  redraw()
}

const idOf = (e) => e.kind + '-' + e.seq
const entries = () => [...world.request.values(), ...world.event.values()]

function visible (e) {
  if (e.time <= cleared || !kinds[group.value || 'all'](e)) return false
  const words = filter.value.toLowerCase().split(/\s+/)
  return words.every((w) => searched(e).includes(w))
}

const searched = (e) => [e.path, e.errcode, e.fault, who(e), what(e), JSON.stringify(e.body ?? e.event ?? ''), '#' + e.seq].join(' ').toLowerCase()

// newer orders entries, the newest first.
const newer = (a, b) => (a.time === b.time ? b.seq - a.seq : a.time < b.time ? 1 : -1)

// arrived takes what is new, many at once if they come fast; rows that are
// there stay where they are.
let fresh = []
function arrived (e) {
  if (paused && !e.late) {
    missed++
    return drawPause()
  }
  fresh.push(e)
  if (fresh.length === 1) setTimeout(insert, e.late ? 0 : 30)
}

function insert () {
  const batch = fresh.filter((e) => visible(e) && !$('#' + idOf(e))).sort(newer).slice(0, most)
  const late = fresh.some((e) => e.late)
  fresh = []
  if (late) return redraw()
  if (batch.length) $('.nothing', list)?.remove()
  for (const e of batch.reverse()) {
    const before = $$('.req', list).find((r) => newer(e, r.entry) < 0)
    before ? before.before(rowOf(e)) : list.append(rowOf(e))
  }
  while (list.childElementCount > most) list.lastElementChild.remove()
  counted()
  if (follows && batch.length) choose(list.querySelector('.req').entry)
}

function redraw () {
  const all = entries().filter(visible).sort(newer).slice(0, most)
  list.replaceChildren(...all.map(rowOf))
  if (all.length === 0) list.append(el('p.nothing', null, t(entries().length ? 'nothing_found' : 'nothing_yet')))
  counted()
  if (chosen && !world[chosen.kind].has(chosen.seq)) { chosen = null; follows = true }
  choose((!follows && chosen) || all[0] || null)
}

function counted () {
  count.textContent = $$('.req', list).length
}

function choose (e) {
  chosen = e
  for (const row of $$('.req', list)) row.setAttribute('aria-current', String(row.entry === e))
  drawDetail($('#detail'), e)
}

function pick (e) {
  choose(e)
  follows = e === list.firstElementChild.entry
}

const errcodeText = (e) => {
  if (e.kind === 'event') return e.deliveries === 0 ? '–' : e.answered ? 'ok' : 'failed'
  if (!e.answered) return e.effect ? 'lost' : 'dropped'
  return e.status === 200 ? String(e.errcode) : String(e.status)
}

function rowOf (e) {
  const [time] = /\d\d:\d\d:\d\d/.exec(new Date(e.time).toTimeString())
  const bad = e.kind === 'event' ? e.deliveries > 0 && !e.answered : e.errcode !== 0 || !e.answered || e.status !== 200
  const pill = e.kind === 'event' ? 'in' : bad ? 'bad' : ''
  const row = el('button.req', { type: 'button', id: idOf(e), on: { click: () => pick(e) } },
    el('span.time', null, time), el('span.path', null, headline(e)), el('span.pill' + (pill ? '.' + pill : ''), null, errcodeText(e)),
    el('span.sum', null, [[what(e), who(e)].filter(Boolean).join(' → '), said(e), e.kind === 'request' && (e.ms < 0.1 ? '<0.1' : e.ms.toFixed(e.ms < 10 ? 1 : 0)) + ' ms', e.fault && t('by_fault', { effect: t('effect_' + e.fault) })].filter(Boolean).join(' · ')))
  row.entry = e
  return row
}

const headline = (e) => (e.kind === 'event' ? 'EVENT ' + (e.event.Event || '') : e.method + ' ' + shorter(e.path))
const shorter = (path) => path.replace('/cgi-bin/message/wxopen/', '…/').replace('/cgi-bin/message/', '…/')

// what names the message of a send, or what came of an event.
function what (e) {
  if (e.kind === 'event') return e.problem || t(e.deliveries ? 'delivered' : 'no_callback')
  return (e.body && e.body.template_id && templateOf(e.body.template_id, e.appid)?.title) || ''
}

// said is WeChat's text of an error, without what makes each one different.
const said = (e) => (e.errcode && e.answer && e.answer.errmsg ? String(e.answer.errmsg).split(/ (?:hint|rid):/)[0] : '')

function who (e) {
  const openid = e.kind === 'event' ? e.event.FromUserName : e.body && e.body.touser
  return openid ? userOf(openid)?.nickname || String(openid) : ''
}

// showEntry brings an entry to sight that a link points at.
export async function showEntry (kind, seq) {
  const e = await fetchEntry(kind, seq)
  if (!e) return note(t('no_entry', { seq }), true)
  pick(e)
  $('#' + kind + '-' + seq)?.scrollIntoView({ block: 'nearest' })
}

export const pointedAt = () => ['request', 'event'].map((kind) => [kind, Number(target()[kind])]).find(([, seq]) => seq > 0)
