// A phone for the tests: what the package sees of WeChat, and no more. The server
// behind it is a function: answer(request) → {status, body, header}, or null for
// no network. Each start() is a cold start of the mini program on the same phone.
const path = require('node:path')
const { mock } = require('node:test')

const dist = path.join(__dirname, '../miniprogram_dist')
const server = 'https://n.example.com'
const app = 'wx0000000000000001'

const session = (more) => ({
  session: 'session-1',
  expires_in: 604800,
  openid: 'oUser',
  sandbox: false,
  templates: [
    { alias: 'accepted', template_id: 'TEMPLATE_ACCEPTED', channel: 'subscribe', kind: 'once' },
    { alias: 'arrived', template_id: 'TEMPLATE_ARRIVED', channel: 'subscribe', kind: 'once' },
    { alias: 'refund', template_id: 'TEMPLATE_REFUND', channel: 'subscribe', kind: 'once' },
    { alias: 'coupon', template_id: 'TEMPLATE_COUPON', channel: 'subscribe', kind: 'once' },
    { alias: 'visit', template_id: 'TEMPLATE_VISIT', channel: 'subscribe', kind: 'longterm' },
    { alias: 'accepted', template_id: 'TEMPLATE_CLASSIC', channel: 'template', kind: null }
  ],
  limits: { subscribe_ids: 3 },
  ...more
})

const ok = (body) => ({ status: 200, body })
const problem = (status, code, header) => ({ status, body: { status, code, detail: 'detail of ' + code }, header })
const tookAll = (request) => ok({ results: request.data.permits.map(({ id }) => ({ id, created: 1 })) })

// well answers as a healthy server does.
function well(request) {
  if (request.path === '/mp/v1/login') return ok(session())
  if (request.path === '/mp/v1/me') return ok({ touser: 'oUser', reachable: true })
  return tookAll(request)
}

class Phone {
  constructor(answer = well) {
    this.answer = answer
    this.requests = []
    this.storage = new Map()
    this.logins = 0
    this.sheets = []
    this.payments = []
    this.pending = 0
  }

  // start loads the package anew, as a cold start does, and returns a notifier.
  start(options) {
    for (const file of Object.keys(require.cache)) if (file.startsWith(dist)) delete require.cache[file]
    this.network = []
    this.wx = this.api()
    return require(dist).create({ server, app, wx: this.wx, ...options })
  }

  api() {
    return {
      login: ({ success }) => success({ code: 'code-' + ++this.logins, errMsg: 'login:ok' }),
      request: (options) => this.request(options),
      getStorageSync: (key) => (this.storage.has(key) ? JSON.parse(this.storage.get(key)) : ''),
      setStorageSync: (key, value) => void this.storage.set(key, JSON.stringify(value)),
      onNetworkStatusChange: (listener) => void this.network.push(listener),
      getAppBaseInfo: () => ({ SDKVersion: '2.32.3' }),
      requestPayment: (options) => void this.payments.push(options),
      requestSubscribeMessage: (options) => void this.sheets.push(options)
    }
  }

  request({ url, method, header, data, success, fail }) {
    const request = { method, path: url.slice(server.length), header, data: data && JSON.parse(JSON.stringify(data)) }
    this.requests.push(request)
    this.pending++
    setImmediate(() => {
      this.pending--
      const answer = this.answer(request)
      if (!answer) return fail({ errMsg: 'request:fail' })
      success({ statusCode: answer.status, data: answer.body, header: answer.header || {}, errMsg: 'request:ok' })
    })
  }

  // idle resolves when nothing is under way any more.
  async idle() {
    do await new Promise(setImmediate)
    while (this.pending)
    await new Promise(setImmediate)
    if (this.pending) await this.idle()
  }

  // later moves the clock and the timers on.
  async later(ms) {
    mock.timers.tick(ms)
    await this.idle()
  }

  uploads() {
    return this.requests.filter((request) => request.path === '/mp/v1/permits').map((request) => request.data.permits)
  }

  queued() {
    return JSON.parse(this.storage.get('wxnotify:' + app + ':queue') || '[]')
  }
}

const submit = (formId) => ({ type: 'submit', detail: { value: {}, formId } })

// hush catches what the developer is told. Every test file does it, so that a
// test can say what was said, and that nothing else was.
function hush(t) {
  const said = []
  t.mock.method(console, 'warn', (text) => said.push(text))
  return said
}

module.exports = { Phone, app, hush, ok, problem, server, session, submit, tookAll, well }
