const assert = require('node:assert/strict')
const { beforeEach, afterEach, mock, test } = require('node:test')
const { Phone, app, hush, ok, problem, session, submit, well } = require('./phone')

const HOUR = 3600 * 1000
const ID = 'FORM_ID_000001'

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 10, 25) }))
afterEach(() => mock.timers.reset())

const paths = (phone) => phone.requests.map((request) => request.path)

test('it logs in once, however much is asked of it meanwhile', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  notify.form(submit(ID))
  notify.opened({})
  await Promise.all([notify.me(), notify.flush(), phone.idle()])
  assert.equal(phone.logins, 1)
  assert.deepEqual(phone.requests[0], { method: 'POST', path: '/mp/v1/login', header: {}, data: { app, code: 'code-1' } })
  assert.equal(phone.uploads().length, 1)
  assert.equal(phone.requests[1].header.Authorization, 'Bearer session-1')
})

test('the session is kept for the next launch', async () => {
  const phone = new Phone()
  phone.start().start({})
  await phone.idle()
  phone.start().start({})
  await phone.idle()
  assert.deepEqual(paths(phone), ['/mp/v1/login'])
})

test('after a day a launch logs in anew, while the old session goes on', async () => {
  const phone = new Phone()
  phone.start().start({})
  await phone.idle()
  mock.timers.setTime(Date.now() + 24 * HOUR + 1)
  const notify = phone.start()
  notify.start({})
  notify.form(submit(ID))
  await phone.idle()
  assert.equal(phone.logins, 2)
  assert.equal(phone.uploads().length, 1)
})

test('a clock that was set back makes a session stale, not eternal', async () => {
  const phone = new Phone()
  phone.start().start({})
  await phone.idle()
  mock.timers.setTime(Date.now() - 24 * HOUR)
  phone.start().start({})
  await phone.idle()
  assert.equal(phone.logins, 2)
})

test('a 401 renews the session without a word and repeats the call', async (t) => {
  const said = hush(t)
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  await phone.idle()
  phone.answer = (request) => {
    if (request.path === '/mp/v1/login') return ok(session({ session: 'session-2' }))
    return request.header.Authorization === 'Bearer session-2' ? well(request) : problem(401, 'unauthenticated')
  }
  notify.form(submit(ID))
  await phone.idle()
  assert.deepEqual(paths(phone), ['/mp/v1/login', '/mp/v1/permits', '/mp/v1/login', '/mp/v1/permits'])
  assert.deepEqual(phone.queued(), [])
  assert.deepEqual(said, [])
})

test('two calls that find the session dead renew it once', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  await phone.idle()
  phone.answer = (request) => {
    if (request.path === '/mp/v1/login') return ok(session({ session: 'session-2' }))
    return request.header.Authorization === 'Bearer session-2' ? well(request) : problem(401, 'unauthenticated')
  }
  notify.form(submit(ID))
  const stock = await notify.me()
  await phone.idle()
  assert.equal(phone.logins, 2)
  assert.equal(stock.touser, 'oUser')
  assert.deepEqual(phone.queued(), [])
})

test('a late 401 of the old session leaves the new one alone', async () => {
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  await phone.idle()
  const { request } = phone.wx
  let late
  phone.wx.request = (options) => { late = options.success }
  const stock = notify.me()
  await phone.idle()
  phone.wx.request = request
  phone.answer = (request) => {
    if (request.path === '/mp/v1/login') return ok(session({ session: 'session-2' }))
    return request.header.Authorization === 'Bearer session-2' ? well(request) : problem(401, 'unauthenticated')
  }
  notify.form(submit(ID))
  await phone.idle()
  late({ statusCode: 401, data: {}, header: {} })
  assert.equal((await stock).touser, 'oUser')
  assert.equal(phone.logins, 2)
})

test('a server that always answers 401 gets two tries, then the backoff', async (t) => {
  hush(t)
  const phone = new Phone((request) => request.path === '/mp/v1/login' ? ok(session()) : problem(401, 'unauthenticated'))
  const notify = phone.start()
  notify.form(submit(ID))
  await phone.idle()
  assert.deepEqual(paths(phone), ['/mp/v1/login', '/mp/v1/permits', '/mp/v1/login', '/mp/v1/permits'])
})

test('the templates stay while the session is renewed', async (t) => {
  hush(t)
  const phone = new Phone()
  const notify = phone.start()
  notify.start({})
  await phone.idle()
  phone.answer = () => problem(401, 'unauthenticated')
  await notify.me()
  notify.subscribe(['accepted'])
  assert.deepEqual(phone.sheets[0].tmplIds, ['TEMPLATE_ACCEPTED'])
})

test('a failed login is tried again, even with nothing to upload, and keeps the queue', async (t) => {
  const said = hush(t)
  t.mock.method(Math, 'random', () => 0)
  const phone = new Phone(() => problem(404, 'app_unknown'))
  const notify = phone.start()
  notify.start({})
  await phone.idle()
  await phone.later(1000)
  assert.equal(phone.logins, 2)
  notify.form(submit(ID))
  phone.answer = well
  await phone.later(2000)
  assert.equal(phone.logins, 3)
  assert.deepEqual(phone.queued(), [])
  assert.deepEqual(said, ['[wxnotify] login refused: 404 app_unknown detail of app_unknown'])
})

test('wx.login that fails or throws is a failed login', async (t) => {
  for (const login of [({ fail }) => fail({ errMsg: 'login:fail timeout' }), () => { throw new Error('login:fail broken') }]) {
    const said = hush(t)
    t.mock.method(Math, 'random', () => 0)
    const phone = new Phone()
    const notify = phone.start()
    phone.wx.login = login
    notify.form(submit(ID))
    await phone.idle()
    assert.equal(phone.queued().length, 1)
    assert.match(said[0], /login:fail/)
    phone.wx.login = ({ success }) => success({ code: 'good' })
    await phone.later(1000)
    assert.deepEqual(phone.queued(), [])
  }
})

test('another server is another session, and the queue goes along', async (t) => {
  hush(t)
  const phone = new Phone((request) => request.path === '/mp/v1/login' ? well(request) : null)
  phone.start().form(submit(ID))
  await phone.idle()
  phone.answer = well
  const moved = phone.start({ server: 'https://m.example.com' })
  phone.requests.length = 0
  await moved.flush()
  assert.equal(phone.logins, 2)
  assert.deepEqual(phone.queued(), [])
})

test('me is the stock, or null when nobody answers', async (t) => {
  hush(t)
  const phone = new Phone()
  const notify = phone.start()
  assert.equal((await notify.me()).reachable, true)
  for (const answer of [null, problem(503, 'storage_unavailable')]) {
    phone.answer = () => answer
    assert.equal(await notify.me(), null)
  }
})
