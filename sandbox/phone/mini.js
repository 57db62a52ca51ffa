// The left phone: a mini program whose buttons give what real ones give, and
// which a tapped card opens.

import { post } from './api.js'
import { askConsent, isKept, unkeep } from './consent.js'
import { $$, el, refill, svg } from './dom.js'
import { back, frame } from './frame.js'
import { copyable, failed } from './note.js'
import { handIn } from './peer.js'
import { appName } from './person.js'
import { t } from './words.js'
import { on, refresh, show, stockOf, templates, world } from './world.js'

let phone
let code = null // the last one that a button gave: {name, value}
let page = null // the page that a card opened: {path, seq}

export function startMini (figure) {
  phone = frame(figure, 'mp')
  on('user reset', () => { code = page = null })
  show('state user reset kept', () => [world.app, world.user, templates(), isKept('once'), isKept('longterm')], draw)
  on('state', drawStock)
  return phone
}

// openPage is what a tap on a card does.
export function openPage (path, seq) {
  page = { path, seq }
  draw()
  phone.body.scrollTop = 0
  phone.nav.querySelector('.title').focus({ preventScroll: true })
}

function draw () {
  phone.caption.textContent = t('mini_caption')
  drawNav()
  refill(phone.body, page ? opened() : home())
  drawStock()
}

function drawNav () {
  const leave = () => { page = null; draw() }
  phone.nav.replaceChildren(
    page ? el('button.back', { type: 'button', 'aria-label': t('back'), on: { click: leave } }, back()) : '',
    el('span.title', { tabindex: '-1' }, page ? pageName(page.path) : appName()),
    el('span.capsule', { 'aria-hidden': 'true' },
      el('span', null, svg(20, 8, '0 0 20 8', ...[[4, 1.7], [10, 3], [16, 1.7]].map(([cx, r]) => ['circle', { cx, cy: 4, r, fill: 'currentColor' }]))),
      el('span', null, svg(18, 18, '0 0 18 18',
        ['circle', { cx: 9, cy: 9, r: 7.2, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.6 }],
        ['circle', { cx: 9, cy: 9, r: 2.8, fill: 'currentColor' }]))))
}

const pageName = (path) => path.split('?')[0].split('/').pop() || path

function home () {
  return [
    el('div.block', null,
      el('div.shop', null, el('div.pic', null, bowl()), el('div', null, el('b', null, t('shop')), el('small', null, t('shop_note')))),
      item('dish', '¥22.00'), item('delivery', '¥6.50'), item('total', '¥28.50', '.total')),
    el('div.block', null,
      action('submit', submit, '<form report-submit>'),
      action('pay', pay, 'wx.requestPayment'),
      sheetAction('once', 'subscribe'),
      sheetAction('longterm', 'subscribe_longterm')),
    code && el('div.block.got', null, copyable(code.name, code.value)),
    wallet()
  ].filter(Boolean)
}

const item = (name, price, more = '') => el('div.item' + more, null, el('span', null, t(name)), el('span', null, price))

function action (name, act, api, plain = '') {
  return el('div', null,
    el('button.wxbtn' + plain, { type: 'button', data: { key: name }, on: { click: (e) => once(e.currentTarget, act) } }, t(name)),
    el('div.hint', null, el('code', null, api), t(name + '_hint')))
}

// once keeps a button from being pressed while its call is under way.
async function once (button, act) {
  button.disabled = true
  try { await act() } catch (e) { failed(e) } finally {
    button.disabled = false
    refresh()
  }
}

function sheetAction (kind, name) {
  const list = templates().filter((x) => x.channel === 'subscribe' && x.kind === kind).slice(0, 5)
  if (list.length === 0) return null
  const row = action(name, () => askConsent(phone, kind, list), 'wx.requestSubscribeMessage', '.plain')
  if (isKept(kind)) {
    row.append(el('div.hint', null, t('kept'), el('button.link', { type: 'button', data: { key: 'unkeep' + kind }, on: { click: () => unkeep(kind) } }, t('ask_again'))))
  }
  return row
}

const who = () => ({ appid: world.app, openid: world.user })

async function submit () {
  const { form_id: value } = await post('/sandbox/forms', who())
  got('form_id', value)
  phone.toast(t('submitted'))
  await handIn([{ source: 'form', code: value }])
}

async function pay () {
  const { prepay_id: value } = await post('/sandbox/payments', who())
  got('prepay_id', value)
  phone.toast(t('paid'))
  await handIn([{ source: 'payment', code: value }])
}

function got (name, value) {
  code = { name, value }
  draw()
}

function wallet () {
  const box = (name) => el('div', null, el('b', { data: { stock: name } }), el('small', null, t('wallet_' + name)))
  return el('div.block.wallet', null, box('form'), box('payment'), box('subscribe'))
}

function drawStock () {
  const stock = stockOf(world.user)
  const p = stock ? stock.permits : { form: 0, payment: 0, subscribe: {}, longterm: [] }
  const once = Object.values(p.subscribe).reduce((a, b) => a + b, 0)
  const values = { form: p.form, payment: p.payment, subscribe: p.longterm.length ? (once ? once + '+∞' : '∞') : once }
  for (const box of $$('[data-stock]', phone.body)) box.textContent = values[box.dataset.stock]
}

function opened () {
  const [path, query] = page.path.split(/\?(.*)/s)
  const values = query ? query.split('&').map((pair) => pair.split(/=(.*)/s)) : []
  return [
    el('div.block.opened', null,
      el('small', null, t('opened_by', { seq: page.seq })),
      el('p.path', null, path),
      values.length
        ? el('dl', null, values.map(([k, v]) => [el('dt', null, k), el('dd', null, v === undefined ? '' : v)]))
        : el('p.soft', null, t('no_parameters'))),
    el('p.soft.centre', null, t('opened_note'))
  ]
}

const bowl = () => {
  const line = { fill: 'none', stroke: '#fff', 'stroke-width': 2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }
  return svg(30, 30, '0 0 30 30',
    ['path', { ...line, d: 'M4 14h22c0 5.5-3.6 9.5-7.5 10.5V26h-7v-1.5C7.6 23.5 4 19.5 4 14z', fill: 'rgba(255,255,255,.25)' }],
    ['path', { ...line, d: 'M10 10c-1.5-1.6 1.5-2.6 0-4.5M15 10c-1.5-1.6 1.5-2.6 0-4.5M20 10c-1.5-1.6 1.5-2.6 0-4.5' }])
}
