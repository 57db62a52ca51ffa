const assert = require('node:assert/strict')
const { beforeEach, afterEach, mock, test } = require('node:test')
const { Phone, hush, ok, session, well } = require('./phone')

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

// ready is a phone whose first login came through.
async function ready(more) {
  const phone = new Phone((request) => request.path === '/mp/v1/login' ? ok(session(more)) : well(request))
  phone.notify = phone.start()
  phone.notify.start({})
  await phone.idle()
  return phone
}

const answered = (words) => ({ errMsg: 'requestSubscribeMessage:ok', ...words })

test('the sheet is asked for in the same turn as the tap', async () => {
  const phone = await ready()
  phone.notify.subscribe(['accepted', 'arrived'])
  assert.deepEqual(phone.sheets[0].tmplIds, ['TEMPLATE_ACCEPTED', 'TEMPLATE_ARRIVED'])
})

test('every word of WeChat\'s answer has its list, and is reported', async () => {
  for (const [word, list, reported] of [
    ['accept', 'accepted', 'accept'],
    ['acceptWithAudio', 'accepted', 'accept'],
    ['acceptWithAlert', 'accepted', 'accept'],
    ['acceptWithForcePush', 'accepted', 'accept'],
    ['reject', 'rejected', 'reject'],
    ['ban', 'banned', 'ban'],
    ['filter', 'filtered', 'filter']
  ]) {
    const phone = await ready()
    const result = phone.notify.subscribe(['accepted'], { scene: 'order' })
    phone.sheets[0].success(answered({ TEMPLATE_ACCEPTED: word }))
    const none = { accepted: [], rejected: [], banned: [], filtered: [], left: [], reason: null }
    assert.deepEqual(await result, { ...none, [list]: ['accepted'] })
    await phone.idle()
    const [{ id, ...item }] = phone.uploads()[0]
    assert.match(id, /^mp-/)
    assert.deepEqual(item, { source: 'subscribe', template_id: 'TEMPLATE_ACCEPTED', result: reported, age_seconds: 0 }, word)
  }
})

test('a template without an answer, or with a new word, is left and not reported', async () => {
  const phone = await ready()
  const result = phone.notify.subscribe(['accepted', 'arrived'])
  phone.sheets[0].success(answered({ TEMPLATE_ARRIVED: 'something new' }))
  assert.deepEqual((await result).left, ['accepted', 'arrived'])
  await phone.idle()
  assert.deepEqual(phone.uploads(), [])
})

test('several answers of one sheet are one item each', async () => {
  const phone = await ready()
  const result = phone.notify.subscribe(['accepted', 'arrived'])
  phone.sheets[0].success(answered({ TEMPLATE_ACCEPTED: 'accept', TEMPLATE_ARRIVED: 'reject' }))
  assert.deepEqual([(await result).accepted, (await result).rejected], [['accepted'], ['arrived']])
  await phone.notify.flush()
  assert.deepEqual(phone.uploads().flat().map((item) => item.result), ['accept', 'reject'])
})

test('the cached templates serve the next launch without network', async (t) => {
  hush(t)
  const phone = await ready()
  phone.answer = () => null
  const notify = phone.start()
  notify.start({})
  notify.subscribe('accepted')
  assert.deepEqual(phone.sheets[0].tmplIds, ['TEMPLATE_ACCEPTED'])
})

test('before the first login it says so, and the next tap works', async (t) => {
  const said = hush(t)
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  const result = await notify.subscribe(['accepted'])
  assert.equal(result.reason, 'not_ready')
  assert.deepEqual(result.left, ['accepted'])
  assert.equal(phone.sheets.length, 0)
  assert.match(said[0], /notify\.start\(\)/)
  await phone.idle()
  notify.subscribe(['accepted'])
  assert.equal(phone.sheets.length, 1)
})

test('only so many ids as the limit allows; the rest is left and said', async (t) => {
  for (const [limits, most] of [[{ subscribe_ids: 3 }, 3], [{ subscribe_ids: 2 }, 2], [undefined, 3]]) {
    const said = hush(t)
    const phone = await ready({ limits })
    const result = phone.notify.subscribe(['accepted', 'arrived', 'refund', 'coupon'])
    assert.equal(phone.sheets[0].tmplIds.length, most)
    phone.sheets[0].success(answered({ TEMPLATE_ACCEPTED: 'accept' }))
    assert.equal((await result).left.includes('coupon'), true)
    assert.equal(said.some((text) => text.includes('left out coupon')), true)
  }
})

test('a phone that takes fewer than the server says is believed from then on', async (t) => {
  hush(t)
  const phone = await ready({ limits: { subscribe_ids: 5 } })
  const names = ['accepted', 'arrived', 'refund', 'coupon']
  const result = phone.notify.subscribe(names)
  phone.sheets[0].fail({ errMsg: 'requestSubscribeMessage:fail', errCode: 20003 })
  assert.equal((await result).reason, 'too_many')
  phone.start().subscribe(names)
  assert.equal(phone.sheets[1].tmplIds.length, 3)
})

test('base libraries up to 2.8.3 get one template', async (t) => {
  hush(t)
  for (const [version, most] of [['2.4.4', 1], ['2.8.2', 1], ['2.8.3', 1], ['2.8.4', 2], ['2.8.30', 2], ['2.9.0', 2], ['2.10.0', 2], ['2.32.3', 2], ['3.4.1', 2], ['10.0.0', 2], [undefined, 2]]) {
    const phone = await ready()
    phone.wx.getAppBaseInfo = undefined
    phone.wx.getSystemInfoSync = () => ({ SDKVersion: version })
    phone.notify.subscribe(['accepted', 'arrived'])
    assert.equal(phone.sheets[0].tmplIds.length, most, version)
  }
})

test('one-time and long-term are not mixed: the first one decides', async (t) => {
  const said = hush(t)
  const phone = await ready()
  phone.notify.subscribe(['visit', 'accepted'])
  phone.notify.subscribe(['accepted', 'visit', 'arrived'])
  assert.deepEqual(phone.sheets.map((sheet) => sheet.tmplIds), [['TEMPLATE_VISIT'], ['TEMPLATE_ACCEPTED', 'TEMPLATE_ARRIVED']])
  assert.equal(said.filter((text) => text.includes('do not go together')).length, 2)
})

test('a template named twice, by alias and id, is asked for once', async () => {
  const phone = await ready()
  phone.notify.subscribe(['accepted', 'TEMPLATE_ACCEPTED', 'accepted'])
  assert.deepEqual(phone.sheets[0].tmplIds, ['TEMPLATE_ACCEPTED'])
})

test('an alias that the last login did not know is left, and a new login made once', async (t) => {
  const said = hush(t)
  const phone = await ready()
  phone.answer = (request) => request.path === '/mp/v1/login'
    ? ok(session({ templates: [...session().templates, { alias: 'brand-new', template_id: 'TEMPLATE_NEW', channel: 'subscribe', kind: 'once' }] }))
    : well(request)
  for (let n = 0; n < 2; n++) {
    const result = await phone.notify.subscribe(['brand-new', 'wrong'].slice(n))
    assert.equal(result.reason, 'unknown_template')
  }
  await phone.idle()
  assert.equal(phone.logins, 2)
  assert.equal(said.length, 2)
  phone.notify.subscribe(['brand-new'])
  assert.deepEqual(phone.sheets[0].tmplIds, ['TEMPLATE_NEW'])
})

test('a classic template cannot be subscribed to', async (t) => {
  hush(t)
  const id = 'pQ3vXk8ZtL1mRw6YcN0sHd5JbF2gUa9EoTi7VxKqAzM'
  const phone = await ready({ templates: [{ alias: null, template_id: id, channel: 'template', kind: null }] })
  assert.equal((await phone.notify.subscribe([id])).reason, 'unknown_template')
  await phone.idle()
})

test('a template id that the server has not listed is taken as it is, even before the login', async () => {
  const id = 'zun-LzcQyW-edafCVvzPkK4de2Rllr1fFpw2A_x0oXE'
  const phone = new Phone()
  const result = phone.start().subscribe([id])
  assert.deepEqual(phone.sheets[0].tmplIds, [id])
  phone.sheets[0].success(answered({ [id]: 'accept' }))
  assert.deepEqual((await result).accepted, [id])
  await phone.idle()
})

for (const [err, reason, hint] of [
  [{ errCode: 10001, errMsg: 'requestSubscribeMessage:fail:TmplIds can\'t be empty' }, 'no_templates'],
  [{ errCode: 10002, errMsg: 'requestSubscribeMessage:fail:Request list fail' }, 'network'],
  [{ errCode: 10003, errMsg: 'requestSubscribeMessage:fail:Request subscribe fail' }, 'network'],
  [{ errCode: 10004, errMsg: 'requestSubscribeMessage:fail:Invalid template id' }, 'template_invalid', /deleted/],
  [{ errCode: 10005, errMsg: 'requestSubscribeMessage:fail:Cannot show subscribe message UI' }, 'in_background'],
  [{ errCode: 20001, errMsg: 'requestSubscribeMessage:fail:No template data return, verify the template id exist' }, 'template_invalid', /deleted/],
  [{ errCode: 20002, errMsg: 'requestSubscribeMessage:fail:Templates type must be same' }, 'kinds_mixed'],
  [{ errCode: 20003, errMsg: 'requestSubscribeMessage:fail:Templates count out of max bounds' }, 'too_many'],
  [{ errCode: 20004, errMsg: 'requestSubscribeMessage:fail:The main switch is switched off' }, 'switched_off'],
  [{ errCode: 20005, errMsg: 'requestSubscribeMessage:fail:This mini program was banned from subscribing messages' }, 'app_banned'],
  [{ errMsg: 'requestSubscribeMessage:fail can only be invoked by user TAP gesture.' }, 'not_in_tap', /directly in a tap/],
  [{ errMsg: 'requestSubscribeMessage:fail last call has not ended' }, 'failed'],
  [{}, 'failed']
]) {
  test(`a refusal of the sheet, ${err.errCode || err.errMsg || 'without words'}, is the reason ${reason}`, async (t) => {
    const said = hush(t)
    const phone = await ready()
    const result = phone.notify.subscribe(['accepted'])
    phone.sheets[0].fail(err)
    assert.equal((await result).reason, reason)
    assert.deepEqual((await result).accepted, [])
    await phone.idle()
    assert.deepEqual(phone.uploads(), [])
    assert.equal(said.length, hint ? 1 : 0)
    if (hint) assert.match(said[0], hint)
  })
}

test('nothing named, no such call, and a call that throws are reasons too', async (t) => {
  hush(t)
  const phone = await ready()
  for (const names of [undefined, null, [], '']) assert.equal((await phone.notify.subscribe(names)).reason, 'no_templates')
  const call = phone.wx.requestSubscribeMessage
  phone.wx.requestSubscribeMessage = undefined
  assert.equal((await phone.notify.subscribe(['accepted'])).reason, 'unsupported')
  phone.wx.requestSubscribeMessage = () => { throw new Error('boom') }
  const { reason, errMsg } = await phone.notify.subscribe(['accepted'])
  assert.deepEqual([reason, errMsg], ['failed', 'Error: boom'])
  phone.wx.requestSubscribeMessage = call
})
