// Users, and what the chosen one has allowed.

import { post } from './api.js'
import { dialog, field, select } from './dialog.js'
import { el, heading, refill } from './dom.js'
import { copy, copyable } from './note.js'
import { serverStock } from './peer.js'
import { avatar, short } from './person.js'
import { link } from './settings.js'
import { t } from './words.js'
import { choose, now, on, show, stockOf, tell, templateOf, world } from './world.js'

export function startUsers (users, stock) {
  show('state user', () => [world.apps.length, world.app, world.user, world.users, world.stock], () => drawUsers(users))
  show('state user clock ledger', () => [world.user, stockOf(world.user), ledger, untilExpiry()], () => drawStock(stock))
  on('state user', readLedger)
}

function drawUsers (box) {
  const mine = world.users.filter((u) => u.appid === world.app)
  refill(box,
    heading('users-h', t('users'), el('button.btn.add', { type: 'button', 'aria-label': t('add_user'), title: t('add_user'), data: { key: 'add' }, on: { click: addUser } }, '+')),
    world.apps.length > 1 && select(t('app'), 'app', world.apps.map((a) => [a.appid, a.appid]), world.app, (e) => changeApp(e.target.value)),
    el('div.list', null, mine.map(userRow)),
    world.user && el('div.openid', null, copyable('openid', world.user),
      el('button.btn', { type: 'button', data: { key: 'link', do: 'copy_user' }, on: { click: () => copy(link('user', world.user)) } }, t('copy_link'))))
}

function changeApp (appid) {
  const first = world.users.find((u) => u.appid === appid)
  choose(first ? first.openid : null, appid)
}

function userRow (u) {
  const stock = stockOf(u.openid)
  const n = stock ? total(stock.permits) : 0
  return el('button.user', {
    type: 'button', 'aria-pressed': String(u.openid === world.user), title: u.openid, data: { key: u.openid, openid: u.openid }, on: { click: () => choose(u.openid) }
  }, avatar(u),
  el('span.who', null, el('span', null, u.nickname, stock && stock.refused ? el('em', null, ' · ' + t('user_refuses')) : ''), el('small.mono', null, short(u.openid, 16))),
  el('span.n', { 'aria-label': t('permits_n', { n }) }, n))
}

function total (p) {
  const n = p.form + p.payment + Object.values(p.subscribe).reduce((a, b) => a + b, 0)
  return p.longterm.length ? '∞' : n
}

function addUser () {
  dialog({
    title: t('add_user'),
    note: t('add_user_note'),
    fields: [field(t('nickname'), 'nickname', { maxlength: 40 }), field('openid', 'openid', { pattern: '[0-9A-Za-z_\\-]{6,64}', placeholder: t('made_up') })],
    button: t('add'),
    submit: async ({ nickname, openid }) => {
      const user = await post('/sandbox/users', { appid: world.app, nickname, ...(openid ? { openid } : {}) })
      world.users.push(user)
      choose(user.openid)
    }
  })
}

// ledger is the server's word on the chosen user, beside WeChat's.
let ledger = null
let asking = 0
async function readLedger () {
  const turn = ++asking
  const answer = world.server && world.user ? await serverStock(world.user).catch(() => null) : null
  if (turn !== asking) return
  ledger = answer
  tell('ledger')
}

function drawStock (box) {
  const stock = stockOf(world.user)
  const p = stock ? stock.permits : { form: 0, payment: 0, subscribe: {}, longterm: [] }
  const server = ledger && ledger.permits
  const once = new Set([...Object.keys(p.subscribe), ...(server ? Object.keys(server.subscribe) : [])])
  const long = new Set([...p.longterm, ...(server ? server.longterm : [])])
  const row = (name, ours, theirs, note) => [
    el('dt', null, name, note && el('small', null, ' ' + note)), el('dd', null, ours), server ? el('dd', null, theirs) : null
  ]
  refill(box,
    heading('stock-h', t('stock'), el('small', null, t('this_user'))),
    el('dl.stock' + (server ? '.both' : ''), null,
      server && [el('dt'), el('dd.soft', null, t('at_wechat')), el('dd.soft', null, t('at_server'))],
      row('form_id', p.form, server?.form),
      row('prepay_id', p.payment, server?.payment, '×3'),
      [...once].map((id) => row(titleOf(id), p.subscribe[id] || 0, server?.subscribe[id] || 0, t('once'))),
      [...long].map((id) => row(titleOf(id), p.longterm.includes(id) ? '∞' : 0, server?.longterm.includes(id) ? '∞' : 0, t('longterm'))),
      once.size + long.size === 0 && row(t('subscriptions'), 0, 0),
      row(t('next_expiry'), untilExpiry(), server && until(ledger.next_expiry))))
}

const titleOf = (id) => templateOf(id)?.title || short(id)
const untilExpiry = () => until(stockOf(world.user)?.next_expiry)

function until (time) {
  if (!time) return '–'
  const minutes = Math.max(0, Math.floor((new Date(time) - now()) / 60000))
  const [d, h, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60]
  return d ? d + 'd ' + h + 'h' : h ? h + 'h ' + m + 'm' : m + 'm'
}
