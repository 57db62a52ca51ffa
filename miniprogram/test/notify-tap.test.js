const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { afterEach, beforeEach, mock, test } = require('node:test')
const { JSDOM } = require('jsdom')
const { Phone, hush } = require('./phone')

// miniprogram-simulate draws components into a document, which Node lacks.
const { window } = new JSDOM('<!doctype html><body></body>')
Object.assign(globalThis, {
  window,
  document: window.document,
  CustomEvent: window.CustomEvent,
  Event: window.Event,
  MutationObserver: window.MutationObserver,
  getComputedStyle: window.getComputedStyle
})
const simulate = require('miniprogram-simulate')
const dist = path.join(__dirname, '../miniprogram_dist')

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => {
  mock.timers.reset()
  document.body.innerHTML = ''
})

// page is a page of the user's that wraps a view in <notify-tap>.
function page() {
  const id = simulate.load({
    usingComponents: { 'notify-tap': simulate.load(path.join(dist, 'notify-tap/index')) },
    template: '<notify-tap id="tap" scene="menu" bind:press="press"><view class="dish">面</view></notify-tap>',
    data: { presses: 0 },
    methods: { press() { this.setData({ presses: this.data.presses + 1 }) } }
  })
  const component = simulate.render(id)
  component.attach(document.body)
  return component
}

const form = (component) => component.querySelector('#tap').instance

test('a tap gives its form id to the notifier, with its scene, and presses', async () => {
  const phone = new Phone()
  phone.start()
  const component = page()
  form(component).submit({ detail: { value: {}, formId: 'FORM_ID_000001' } })
  await phone.idle()
  assert.deepEqual(phone.uploads()[0].map((item) => item.code), ['FORM_ID_000001'])
  assert.equal(component.data.presses, 1)
})

test('its scene is named where an id is dropped', async (t) => {
  const said = hush(t)
  const phone = new Phone()
  phone.start()
  form(page()).submit({ detail: { value: {}, formId: 'the formId is a mock one' } })
  await phone.idle()
  assert.match(said[0], /scene menu/)
})

test('it presses without a form id, and without a notifier, too', async (t) => {
  const said = hush(t)
  const phone = new Phone()
  phone.start()
  require(dist).current = null
  const component = page()
  form(component).submit({ detail: { value: {} } })
  assert.equal(component.data.presses, 1)
  assert.match(said[0], /notify-tap/)
})

test('it draws the content, inside one form with one submit button', () => {
  const component = page()
  assert.equal(component.querySelector('.dish').dom.textContent, '面')
  assert.equal(document.querySelectorAll('wx-form').length, 1)
  assert.equal(document.querySelectorAll('wx-form wx-button').length, 1)

  const wxml = fs.readFileSync(path.join(dist, 'notify-tap/index.wxml'), 'utf8')
  assert.match(wxml, /<form [^>]*report-submit[^>]*bindsubmit="submit"/)
  assert.match(wxml, /<button [^>]*form-type="submit"[^>]*hover-class="none"/)
  assert.doesNotMatch(wxml, /report-submit-timeout/)
})

test('the style takes away all that makes a button look like one', () => {
  const wxss = fs.readFileSync(path.join(dist, 'notify-tap/index.wxss'), 'utf8')
  for (const rule of ['margin:0 !important', 'padding:0 !important', 'background:none !important', 'border-radius:0', 'font:inherit', 'color:inherit', 'text-align:inherit', '.tap::after{display:none}']) {
    assert.ok(wxss.includes(rule), rule)
  }
})
