const assert = require('node:assert/strict')
const { beforeEach, afterEach, mock, test } = require('node:test')
const { Phone, hush, ok, problem, session, submit, tookAll, well } = require('./phone')

const DAY = 24 * 3600 * 1000
const id = (n) => 'FORM_ID_' + String(n).padStart(6, '0')

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 10, 25) }))
afterEach(() => mock.timers.reset())

// after answers the login well, and uploads in turn; the last answer stays.
function after(...answers) {
  return (request) => {
    if (request.path === '/mp/v1/login') return ok(session())
    const next = answers.length > 1 ? answers.shift() : answers[0]
    return typeof next === 'function' ? next(request) : next
  }
}

test('the first item goes at once, what follows goes in groups', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.form(submit(id(1)))
  await phone.idle()
  assert.deepEqual(phone.uploads().map((group) => group.map((item) => item.code)), [[id(1)]])

  notify.form(submit(id(2)))
  notify.form(submit(id(3)))
  await phone.later(4999)
  assert.equal(phone.uploads().length, 1)
  await phone.later(1)
  assert.deepEqual(phone.uploads()[1].map((item) => item.code), [id(2), id(3)])
  assert.deepEqual(phone.queued(), [])
})

test('a launch without anything to upload does not hold the first item back', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  await phone.idle()
  notify.form(submit(id(1)))
  await phone.idle()
  assert.equal(phone.uploads().length, 1)
})

test('an item that comes in while an empty round ends is not forgotten', async () => {
  const phone = new Phone()
  phone.start().start({})
  await phone.idle()
  for (let turns = 0; turns < 8; turns++) {
    const notify = phone.start()
    notify.flush()
    for (let n = 0; n < turns; n++) await null
    notify.form(submit(id(turns)))
    await phone.idle()
    assert.equal(phone.uploads().length, turns + 1, `after ${turns} turns`)
  }
})

test('onHide, onShow and the network coming back do not wait for the group', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  notify.form(submit(id(1)))
  await phone.idle()
  for (const [n, wake] of [() => notify.flush(), () => notify.opened({}), () => phone.network[0]({ isConnected: true })].entries()) {
    notify.form(submit(id(n + 2)))
    await phone.idle()
    assert.equal(phone.uploads().length, n + 1)
    wake()
    await phone.idle()
    assert.equal(phone.uploads().length, n + 2)
  }
})

test('losing the network is no reason to upload', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  notify.form(submit(id(1)))
  await phone.idle()
  notify.form(submit(id(2)))
  phone.network[0]({ isConnected: false })
  await phone.idle()
  assert.equal(phone.uploads().length, 1)
})

test('a flush during an upload takes what was added meanwhile', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.form(submit(id(1)))
  await new Promise(setImmediate)
  notify.form(submit(id(2)))
  await notify.flush()
  assert.deepEqual(phone.uploads().flat().map((item) => item.code), [id(1), id(2)])
})

test('at most 50 go in one call, and the rest at once after it', async (t) => {
  hush(t)
  const phone = new Phone(() => null)
  const notify = phone.start()
  for (let n = 0; n < 120; n++) notify.form(submit(id(n)))
  await phone.idle()
  phone.answer = well
  await notify.flush()
  assert.deepEqual(phone.uploads().map((group) => group.length), [50, 50, 20])
})

test('at most 200 are kept; the oldest go, and it is said once', async (t) => {
  const said = hush(t)
  const phone = new Phone(() => null)
  const notify = phone.start()
  for (let n = 0; n < 203; n++) notify.form(submit(id(n)))
  await phone.idle()
  assert.equal(phone.queued().length, 200)
  assert.equal(phone.queued()[0].body.code, id(3))
  assert.equal(said.filter((text) => text.includes('over 200')).length, 1)
})

test('an item outlives the mini program, and keeps its id', async (t) => {
  hush(t)
  const phone = new Phone(after(null))
  phone.start().form(submit(id(1)))
  await phone.idle()
  const [first] = phone.uploads()

  phone.answer = well
  phone.start().start({})
  await phone.idle()
  assert.equal(phone.uploads()[1][0].id, first[0].id)
  assert.deepEqual(phone.queued(), [])
})

test('an answer that was lost leads to the same id again', async (t) => {
  hush(t)
  const took = []
  const phone = new Phone(after((request) => { took.push(request.data.permits[0].id); return null }, tookAll))
  const notify = phone.start()
  notify.form(submit(id(1)))
  await phone.idle()
  await notify.flush()
  assert.equal(phone.uploads()[1][0].id, took[0])
})

test('ids are of their own', async (t) => {
  hush(t)
  const phone = new Phone(() => null)
  const notify = phone.start()
  for (let n = 0; n < 200; n++) notify.form(submit(id(n)))
  const ids = phone.queued().map((item) => item.id)
  assert.equal(new Set(ids).size, 200)
  for (const one of ids) assert.match(one, /^mp-[0-9a-z-]{16,60}$/)
  await phone.idle()
})

for (const [name, answer, kept] of [
  ['no network', null, true],
  ['500', problem(500, 'internal'), true],
  ['503', problem(503, 'storage_unavailable'), true],
  ['408', problem(408, 'timeout'), true],
  ['425', problem(425, 'too_early'), true],
  ['429', problem(429, 'rate_limited'), true],
  ['401 again after a new login', problem(401, 'unauthenticated'), true],
  ['302', { status: 302, body: '' }, true],
  ['200 of a hotel\'s log-in page', { status: 200, body: '<html>' }, true],
  ['200 without results', ok({}), true],
  ['200 with the result of another item', ok({ results: [{ id: 'other', created: 1 }] }), true],
  ['200 with damaged results', ok({ results: [null, 'x', 3] }), true],
  ['400', problem(400, 'json_malformed'), false],
  ['403', problem(403, 'scope_missing'), false],
  ['413', problem(413, 'body_too_large'), false],
  ['422', problem(422, 'unknown_field'), false],
  ['200, taken', tookAll, false],
  ['201, taken', (request) => ({ ...tookAll(request), status: 201 }), false],
  ['200, known already', (request) => ok({ results: [{ id: request.data.permits[0].id, created: 0 }] }), false],
  ['200 with an error of the item', (request) => ok({ results: [{ id: request.data.permits[0].id, error: { code: 'permit_conflict' } }] }), false]
]) {
  test(`after ${name} an item is ${kept ? 'kept' : 'gone'}`, async (t) => {
    hush(t)
    const phone = new Phone(after(answer))
    phone.start().form(submit(id(1)))
    await phone.idle()
    assert.equal(phone.queued().length, kept ? 1 : 0)
  })
}

test('each item goes by its own result', async (t) => {
  const said = hush(t)
  const phone = new Phone(() => null)
  const notify = phone.start()
  for (let n = 0; n < 4; n++) notify.form(submit(id(n)))
  await phone.idle()
  phone.answer = after((request) => {
    const [a, b, c] = request.data.permits
    return ok({ results: [{ id: c.id, error: { code: 'permit_expired', detail: 'too old' } }, { id: a.id, created: 1 }, { id: b.id, error: { code: 'permit_expired', detail: 'too old' } }] })
  })
  await notify.flush()
  assert.deepEqual(phone.queued().map((item) => item.body.code), [id(3)])
  assert.deepEqual(said.filter((text) => text.includes('permit_expired')), ['[wxnotify] permit refused: permit_expired too old'])
})

test('faults are repeated with backoff and jitter, and a success ends it', async (t) => {
  hush(t)
  t.mock.method(Math, 'random', () => 0)
  const phone = new Phone(after(null))
  const notify = phone.start()
  notify.form(submit(id(1)))
  await phone.idle()
  let tries = 1
  for (const wait of [1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000]) {
    await phone.later(wait - 1)
    assert.equal(phone.uploads().length, tries, `before ${wait} ms`)
    await phone.later(1)
    assert.equal(phone.uploads().length, ++tries, `after ${wait} ms`)
  }
  Math.random.mock.mockImplementation(() => 0.999999)
  await phone.later(300000)
  tries++
  await phone.later(599998)
  assert.equal(phone.uploads().length, tries)
  phone.answer = well
  await phone.later(2)
  assert.deepEqual(phone.queued(), [])

  notify.form(submit(id(2)))
  await phone.later(5000)
  assert.deepEqual(phone.queued(), [])
})

test('new items do not break into the backoff', async (t) => {
  hush(t)
  t.mock.method(Math, 'random', () => 0)
  const phone = new Phone(after(null))
  const notify = phone.start()
  notify.form(submit(id(1)))
  await phone.idle()
  notify.form(submit(id(2)))
  await phone.idle()
  assert.equal(phone.uploads().length, 1)
})

test('Retry-After is obeyed, even on hide and with the network back', async (t) => {
  for (const header of [{ 'Retry-After': '30' }, { 'retry-after': '30' }]) {
    hush(t)
    const phone = new Phone(after(problem(429, 'rate_limited', header), tookAll))
    const notify = phone.start()
    notify.form(submit(id(1)))
    await phone.idle()
    await notify.flush()
    await phone.later(29999)
    await notify.flush()
    assert.equal(phone.uploads().length, 1)
    await phone.later(1)
    await notify.flush()
    assert.equal(phone.uploads().length, 2)
    assert.deepEqual(phone.queued(), [])
  }
})

test('a Retry-After that is a date, nonsense or hours does not stop it for over an hour', async (t) => {
  for (const value of ['Wed, 25 Nov 2026 00:00:00 GMT', 'soon', '-5', '7200']) {
    hush(t)
    const phone = new Phone(after(problem(429, 'rate_limited', { 'Retry-After': value }), tookAll))
    const notify = phone.start()
    notify.form(submit(id(1)))
    await phone.idle()
    await phone.later(3600 * 1000)
    await notify.flush()
    assert.deepEqual(phone.queued(), [], value)
  }
})

test('the age is a difference, whatever the phone thinks the date is', async (t) => {
  for (const now of [Date.UTC(1970, 0, 1), Date.UTC(2099, 0, 1)]) {
    hush(t)
    mock.timers.setTime(now)
    const phone = new Phone(after(null))
    const notify = phone.start()
    notify.form(submit(id(1)))
    await phone.idle()
    mock.timers.setTime(now + 12345)
    phone.answer = well
    await notify.flush()
    assert.equal(phone.uploads().at(-1)[0].age_seconds, 12)
  }
})

test('an item dated in the future is of age 0, and grows old from there', async (t) => {
  hush(t)
  const start = Date.now()
  const phone = new Phone(after(null))
  const notify = phone.start()
  notify.form(submit(id(1)))
  await phone.idle()
  mock.timers.setTime(start - 365 * DAY)
  await notify.flush()
  assert.equal(phone.uploads().at(-1)[0].age_seconds, 0)
  mock.timers.setTime(start - 365 * DAY + 60000)
  await notify.flush()
  assert.equal(phone.uploads().at(-1)[0].age_seconds, 60)
})

test('it grows old across cold starts, too', async (t) => {
  hush(t)
  const start = Date.now() - 365 * DAY
  const phone = new Phone(after(null))
  phone.start().form(submit(id(1)))
  await phone.idle()
  mock.timers.setTime(start)
  await phone.start().flush()
  assert.equal(phone.uploads().at(-1)[0].age_seconds, 0)
  mock.timers.setTime(start + 6 * DAY)
  await phone.start().flush()
  assert.equal(phone.uploads().at(-1)[0].age_seconds, 6 * 86400)
  mock.timers.setTime(start + 8 * DAY)
  await phone.start().flush()
  assert.deepEqual(phone.queued(), [])
})

test('what is older than 7 days is dropped, and it is said once', async (t) => {
  const said = hush(t)
  const phone = new Phone(after(null))
  const notify = phone.start()
  notify.form(submit(id(1)))
  notify.form(submit(id(2)))
  await phone.idle()
  mock.timers.setTime(Date.now() + 7 * DAY)
  await notify.flush()
  assert.equal(phone.uploads().at(-1)[0].age_seconds, 7 * 86400)
  mock.timers.setTime(Date.now() + 1)
  const before = phone.uploads().length
  await notify.flush()
  assert.equal(phone.uploads().length, before)
  assert.deepEqual(phone.queued(), [])
  assert.equal(said.filter((text) => text.includes('7 days')).length, 1)
})

test('storage that is full, broken or damaged only costs what is not uploaded', async (t) => {
  const said = hush(t)
  const phone = new Phone()
  const notify = phone.start()
  phone.wx.setStorageSync = () => { throw new Error('setStorageSync:fail exceed storage max size 10Mb') }
  notify.form(submit(id(1)))
  await phone.idle()
  assert.equal(phone.uploads().length, 1)
  assert.equal(said.length, 1)
  assert.match(said[0], /exceed storage max size/)

  for (const damage of ['"text"', '7', '[null,1,{},{"body":{"source":"form"}}]', '{"a":1}']) {
    const phone = new Phone()
    phone.storage.set('wxnotify:wx0000000000000001:queue', damage)
    phone.storage.set('wxnotify:wx0000000000000001', damage)
    const notify = phone.start()
    notify.form(submit(id(1)))
    await phone.idle()
    assert.deepEqual(phone.uploads().flat().map((item) => item.code), [id(1)], damage)
  }
})
