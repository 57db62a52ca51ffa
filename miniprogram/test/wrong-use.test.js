const assert = require('node:assert/strict')
const { beforeEach, afterEach, mock, test } = require('node:test')
const { Phone, hush, submit } = require('./phone')

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

// every calls all there is, and awaits all that comes back.
async function every(notify) {
  notify.start({})
  assert.equal(notify.opened({ scene: 1001 }), false)
  notify.form(submit('FORM_ID_000001'))
  notify.form()
  assert.equal((await notify.pay({ package: 'prepay_id=wx0123456789' })).paid, false)
  assert.notEqual((await notify.subscribe(['accepted'])).reason, null)
  assert.equal(await notify.me(), null)
  assert.equal(await notify.flush(), undefined)
}

for (const [name, options, hint] of [
  ['a missing server', { server: undefined }, /server is missing/],
  ['a server without scheme', { server: 'n.example.com' }, /server is missing/],
  ['a missing app', { app: '' }, /app \(the appid\) is missing/]
]) {
  test(`${name} is said once, in create, and breaks nothing`, async (t) => {
    const said = hush(t)
    const phone = new Phone()
    const notify = phone.start(options)
    assert.equal(said.length, 1)
    assert.match(said[0], hint)
    phone.wx.requestPayment = ({ fail }) => fail({ errMsg: 'requestPayment:fail cancel' })
    await every(notify)
    assert.deepEqual(phone.requests, [])
    // An alias cannot become known: the advice is about the server, not about a login.
    const advice = said.filter((text) => text.includes('subscribe: not_ready'))
    assert.equal(advice.length, 1)
    assert.match(advice[0], hint)
    assert.doesNotMatch(advice[0], /start\(\)/)
  })
}

test('outside a mini program it says so, and breaks nothing', async (t) => {
  const said = hush(t)
  const phone = new Phone()
  phone.start()
  const wxnotify = require('../miniprogram_dist')
  await every(wxnotify.create({ server: 'https://n.example.com', app: 'wx1' }))
  assert.match(said[0], /no wx/)
  await every(wxnotify.create())
})

test('a wx where everything throws never throws into the page', async (t) => {
  hush(t)
  const broken = new Proxy({}, { get: () => () => { throw new Error('broken') } })
  const phone = new Phone()
  await every(phone.start({ wx: broken }))
})

test('create gives one notifier per server and app, whatever the slashes', (t) => {
  const phone = new Phone()
  phone.start()
  const { create } = require('../miniprogram_dist')
  globalThis.wx = phone.wx
  t.after(() => delete globalThis.wx)
  const first = create({ server: 'https://n.example.com', app: 'wx1' })
  assert.equal(create({ server: 'https://n.example.com//', app: 'wx1' }), first)
  assert.notEqual(create({ server: 'https://n.example.com', app: 'wx2' }), first)
  assert.notEqual(create({ server: 'https://m.example.com', app: 'wx1' }), first)
})

test('opened knows who came from a message', async () => {
  const phone = new Phone()
  const notify = phone.start()
  for (const [options, want] of [[{ scene: 1014 }, true], [{ scene: 1107 }, true], [{ scene: 1001 }, false], [{ scene: 10140 }, false], [{}, false], [undefined, false]]) {
    assert.equal(notify.opened(options), want)
  }
  await phone.idle()
})
