// The page is put together here.

import { post } from './api.js'
import { startApp } from './app.js'
import { current, reveal, showCard, startChat, takePicture } from './chat.js'
import { readCodes } from './codes.js'
import { dialog, segment } from './dialog.js'
import { $, el } from './dom.js'
import { startFaults } from './faults.js'
import { pointedAt, showEntry, startInspector } from './inspector.js'
import { startMini } from './mini.js'
import { copy, failed } from './note.js'
import { findServer } from './peer.js'
import { startQuotas } from './quotas.js'
import { startSend } from './send.js'
import { keep, link, settings, target } from './settings.js'
import { startUsers } from './users.js'
import { speak, t, translate } from './words.js'
import { choose, connect, loaded, now, on, refresh, setClock, tell, world } from './world.js'

let front = settings.view === 'both' ? 'mini' : settings.view // the phone that is seen where there is room for one
let work = 'inspector' // the tab of the right column

async function start () {
  await Promise.all([speak(settings.lang), readCodes(), findServer()])
  startMini($('#mini'))
  startChat($('#chat'))
  startUsers($('#users'), $('#stock'))
  startFaults($('#faults'))
  startQuotas($('#quotas'))
  startApp($('#app'))
  startInspector($('#inspector'))
  if (world.server) startSend($('#send'))
  if (world.server) work = 'send'
  startTop()
  on('words', drawBars)
  drawBars()
  translate(document)
  connect()
  await loaded
  await aim()
  window.addEventListener('hashchange', aim)
  document.body.dataset.ready = ''
}

// aim shows what the hash points at.
async function aim () {
  const { user, card } = target()
  const owner = world.users.find((u) => u.openid === user)
  try {
    if (owner) choose(owner.openid, owner.appid)
    if (Number(card) > 0) { setFront('chat'); await showCard(Number(card)) }
    const entry = pointedAt()
    if (entry) { setWork('inspector'); setPart('work'); await showEntry(...entry) }
  } catch (e) { failed(e) }
}

function startTop () {
  $('#base').textContent = location.origin
  $('#copybase').addEventListener('click', () => copy(location.origin))
  $('#reset').addEventListener('click', () => askReset(t('reset_note')))
  $('#picture').addEventListener('click', () => { const c = current(); if (c) takePicture(c.seq) })
  $('#copycard').addEventListener('click', () => { const c = current(); if (c) copy(link('card', c.seq)) })
  document.addEventListener('front-mini', () => setFront('mini'))
  on('card', (c) => { if (!c.late && c.openid === world.user) setFront('chat') })
  on('live', drawLive)
  on('clock', drawClock)
  setInterval(drawClock, 1000)
}

function askReset (words) {
  dialog({ title: t('reset'), note: words, fields: [], button: t('reset'), danger: true, submit: () => post('/sandbox/reset') })
}

function drawBars () {
  const moves = [[2, '+2 h', t('plus_hours')], [24, '+1 d', t('plus_day')], [168, '+7 d', t('plus_week')], [0, t('now'), t('now_title')]]
  segment($('#moves'), moves, null, (h) => (h ? advance(h) : askReset(t('now_note'))))
  segment($('#era'), [['ios2018', 'iOS 2018'], ['android2018', 'Android 2018'], ['today', t('era_today')]], settings.era, (v) => look('era', v))
  segment($('#phone'), [['light', t('phone_light')], ['dark', t('phone_dark')]], settings.phone, (v) => look('phone', v))
  segment($('#lang'), [['zh', '中', '中文'], ['en', 'EN', 'English']], settings.lang, setLanguage)
  segment($('#theme'), [['light', '☀', t('theme_light')], ['dark', '☾', t('theme_dark')]], settings.theme, setTheme)
  segment($('#part'), [['phone', t('part_phone')], ['world', t('part_world')], ['work', t('part_work')]], settings.part, setPart)
  segment($('#front'), [['mini', t('front_mini')], ['chat', t('front_chat')]], front, setFront)
  drawDark()
  drawTabs()
  drawLive()
  drawClock()
  document.body.dataset.part = settings.part
  document.body.dataset.front = front
  document.body.dataset.view = settings.view
}

// drawDark: there was no dark phone in 2018.
function drawDark () {
  for (const b of $('#phone').children) {
    b.disabled = settings.era !== 'today'
    b.title = settings.era === 'today' ? '' : t('no_dark')
  }
  $('#mini .screen').className = 'screen mp' + (settings.era === 'today' && settings.phone === 'dark' ? ' dk' : '')
}

function drawTabs () {
  const bar = $('#worktabs')
  bar.hidden = !world.server
  if (world.server) {
    bar.replaceChildren(...[['send', t('tab_send')], ['inspector', t('tab_inspector')]].map(([v, text]) => el('button', {
      type: 'button', role: 'tab', 'aria-selected': String(v === work), 'aria-controls': v, on: { click: () => setWork(v) }
    }, text)))
  }
  $('#send').hidden = work !== 'send'
  $('#inspector').hidden = work === 'send'
}

function drawLive () {
  $('#live').classList.toggle('off', !world.live)
  $('#live span').textContent = t(world.live ? 'live' : 'connecting')
}

function drawClock () {
  const d = now()
  const two = (n) => String(n).padStart(2, '0')
  $('#clock').textContent = d.getFullYear() + '-' + two(d.getMonth() + 1) + '-' + two(d.getDate()) + ' ' + d.toTimeString().slice(0, 8)
  $('#clock').title = world.offset ? t('ahead', { s: world.offset.toLocaleString('en') }) : t('not_ahead')
  const button = $('#moves [data-v="0"]')
  if (button) button.disabled = world.offset === 0
}

async function advance (hours) {
  try { setClock(await post('/sandbox/clock', { advance_seconds: hours * 3600 })) } catch (e) { failed(e) }
}

function look (name, value) {
  keep(name, value)
  drawBars()
  tell('look')
}

async function setLanguage (lang) {
  keep('lang', lang)
  await speak(lang)
  tell('words')
}

function setTheme (theme) {
  keep('theme', theme)
  document.documentElement.dataset.theme = theme
  drawBars()
}

function setPart (part) {
  keep('part', part)
  drawBars()
}

function setFront (which) {
  if (front === which || settings.view !== 'both') return
  front = which
  drawBars()
  if (front === 'chat') reveal()
}

function setWork (which) {
  work = which
  drawBars()
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) tick() })
setInterval(tick, 4000)
function tick () { if (!document.hidden && world.live) refresh() } // what others changed

start().catch(failed)
