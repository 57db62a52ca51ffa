const assert = require('node:assert/strict')
const { beforeEach, afterEach, mock, test } = require('node:test')
const { Phone, hush, ok, session, well } = require('./phone')

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

const ID = 'wx01150933662987c5afcc9d041018071500'
const order = (more) => ({ timeStamp: '1', nonceStr: 'n', package: 'prepay_id=' + ID, signType: 'MD5', paySign: 's', ...more })

test('wx.requestPayment gets what the page gave', () => {
  const phone = new Phone()
  phone.start().pay(order({ complete: () => {} }))
  const { timeStamp, nonceStr, package: pack, signType, paySign, complete } = phone.payments[0]
  assert.deepEqual([timeStamp, nonceStr, pack, signType, paySign, typeof complete], ['1', 'n', 'prepay_id=' + ID, 'MD5', 's', 'function'])
})

test('the prepay_id is reported only after success, without its prefix', async () => {
  const phone = new Phone()
  const notify = phone.start()
  const paid = notify.pay(order())
  await phone.idle()
  assert.deepEqual(phone.queued(), [])
  phone.payments[0].success({ errMsg: 'requestPayment:ok' })
  assert.deepEqual(await paid, { paid: true, errMsg: 'requestPayment:ok' })
  await phone.idle()
  const [item] = phone.uploads()[0]
  assert.deepEqual([item.source, item.code], ['payment', ID])
})

test('an order that was not paid is not reported', async () => {
  const phone = new Phone()
  const paid = phone.start().pay(order())
  phone.payments[0].fail({ errMsg: 'requestPayment:fail cancel' })
  assert.deepEqual(await paid, { paid: false, errMsg: 'requestPayment:fail cancel' })
  await phone.idle()
  assert.deepEqual(phone.requests, [])
})

test('the page\'s own callbacks are called, success in the same turn, so that subscribe may follow', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  await phone.idle()
  const got = []
  notify.pay(order({ success: (res) => { got.push(res.errMsg); notify.subscribe(['accepted']) } }))
  phone.payments[0].success({ errMsg: 'requestPayment:ok' })
  assert.deepEqual(got, ['requestPayment:ok'])
  assert.equal(phone.sheets.length, 1)
  notify.pay(order({ fail: (err) => got.push(err.errMsg) }))
  phone.payments[1].fail({ errMsg: 'requestPayment:fail cancel' })
  assert.equal(got[1], 'requestPayment:fail cancel')
  await phone.idle()
})

test('where payments are the backend\'s matter, it is said once and not tried again before the next login', async (t) => {
  const said = hush(t)
  const phone = new Phone((request) => request.path === '/mp/v1/login' ? ok(session())
    : ok({ results: [{ id: request.data.permits[0].id, error: { code: 'payment_not_allowed', detail: 'no' } }] }))
  const notify = phone.start()
  for (let n = 0; n < 2; n++) {
    notify.pay(order())
    phone.payments[n].success({ errMsg: 'requestPayment:ok' })
    await notify.flush()
  }
  assert.equal(phone.uploads().length, 1)
  assert.deepEqual(phone.queued(), [])
  assert.equal(said.length, 1)
  assert.match(said[0], /POST \/v1\/permits/)

  const later = phone.start()
  later.pay(order())
  phone.payments[2].success({ errMsg: 'requestPayment:ok' })
  await later.flush()
  assert.equal(phone.uploads().length, 1)
})

test('a package that is no prepay_id is paid, not reported, and said', async (t) => {
  const said = hush(t)
  for (const pack of [undefined, '', 'wx123', 'prepay_id=', 'prepay_id=with blank in it']) {
    const phone = new Phone()
    const paid = phone.start().pay(order({ package: pack }))
    phone.payments[0].success({ errMsg: 'requestPayment:ok' })
    assert.equal((await paid).paid, true)
    await phone.idle()
    assert.deepEqual(phone.requests, [])
  }
  assert.match(said[0], /prepay_id/)
})

test('the payment goes on whatever is wrong with notifications', async (t) => {
  hush(t)
  const phone = new Phone()
  const paid = phone.start({ server: '' }).pay(order())
  phone.payments[0].success({ errMsg: 'requestPayment:ok' })
  assert.equal((await paid).paid, true)
})

test('a wx.requestPayment that throws is a payment that failed', async (t) => {
  const phone = new Phone()
  const notify = phone.start()
  phone.wx.requestPayment = () => { throw new Error('parameter error') }
  assert.deepEqual(await notify.pay(order()), { paid: false, errMsg: 'Error: parameter error' })
  assert.equal((await notify.pay()).paid, false)
})
