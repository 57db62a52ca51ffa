// The world of the contract test: the real server and WeChat's simulator as
// processes, and phones whose wx is connected to both.
const { spawn, execFileSync } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')

const root = path.join(__dirname, '../..')
const dist = path.join(__dirname, '../miniprogram_dist')
const apiKey = 'contract-test-key-0123456789'

// binary is WXNOTIFY_BIN, or built from this tree.
function binary(folder) {
  if (process.env.WXNOTIFY_BIN) return process.env.WXNOTIFY_BIN
  const out = path.join(folder, 'wxnotify')
  execFileSync('go', ['build', '-o', out, './cmd/wxnotify'], { cwd: root, env: { ...process.env, CGO_ENABLED: '0' }, stdio: ['ignore', 'inherit', 'inherit'] })
  return out
}

function freePort() {
  return new Promise((done, fail) => {
    const probe = net.createServer().once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => done(port))
    })
  })
}

// until asks again until the answer is there, at most 20 seconds.
async function until(what, ask) {
  const end = Date.now() + 20000
  for (;;) {
    const got = await ask()
    if (got) return got
    if (Date.now() > end) throw new Error('waited in vain for ' + what)
    await new Promise((done) => setTimeout(done, 20))
  }
}

// call speaks JSON; a refusal is an answer like any other.
async function call(method, url, body, header) {
  const res = await fetch(url, { method, body: body && JSON.stringify(body), headers: { ...(body && { 'content-type': 'application/json' }), ...header } })
  const text = await res.text()
  return { status: res.status, body: text ? JSON.parse(text) : null, header: Object.fromEntries(res.headers) }
}

class World {
  constructor() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wxnotify-contract-'))
    this.running = []
    this.said = '' // by all of them
  }

  // serve is the server and the simulator, each a process.
  static async serve() {
    return new World().started(async (world, file) => {
      world.run(file, ['sandbox', '--sandbox-listen', world.wechat.slice(7)])
      const { apps: [{ secret }] } = await world.look()
      world.run(file, ['serve', '--listen', world.server.slice(7), '--database', 'sqlite:' + path.join(world.folder, 'wxnotify.db'), '--api-key', apiKey,
        '--appid', world.app.appid, '--appsecret', secret, '--wechat-url', world.wechat, '--clock-url', world.wechat])
    })
  }

  // demo is both in one process, with a key that it prints.
  static async demo() {
    return new World().started(async (world, file) => {
      world.run(file, ['demo', '--listen', world.server.slice(7), '--sandbox-listen', world.wechat.slice(7)])
      await world.look()
    })
  }

  async started(start) {
    try {
      this.wechat = 'http://127.0.0.1:' + await freePort()
      this.server = 'http://127.0.0.1:' + await freePort()
      await start(this, binary(this.folder))
      await until('the server', () => fetch(this.server + '/readyz').then((res) => res.ok, () => false))
    } catch (err) {
      await this.close()
      throw err
    }
    return this
  }

  // look waits for the simulator and remembers what is in it.
  async look() {
    const state = await until('the sandbox', () => this.sandbox('GET', 'state').catch(() => null))
    this.app = state.apps[0]
    this.users = state.users
    this.templates = state.templates
    return state
  }

  // run starts a program that close ends; what it says is shown when it fails.
  run(file, args) {
    const env = { PATH: process.env.PATH, HOME: this.folder, TMPDIR: this.folder }
    const child = spawn(file, args, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.on('data', (data) => {
        said = (said + data).slice(-4000)
        this.said += data
      })
    }
    const ended = new Promise((done) => child.once('exit', (code) => {
      if (code) console.error(`wxnotify ${args[0]} ended with ${code}:\n${said}`)
      done()
    }))
    this.running.unshift({ child, ended })
  }

  async close() {
    for (const { child, ended } of this.running) {
      child.kill('SIGTERM')
      await ended
    }
    fs.rmSync(this.folder, { recursive: true, force: true })
  }

  async sandbox(method, where, body) {
    const { status, body: answer } = await call(method, `${this.wechat}/sandbox/${where}`, body)
    if (status >= 300) throw new Error(`${method} /sandbox/${where}: ${status} ${answer && answer.error}`)
    return answer
  }

  async api(method, where, body) {
    const { status, body: answer } = await call(method, this.server + where, body, { authorization: 'Bearer ' + apiKey })
    if (status >= 300) throw new Error(`${method} ${where}: ${status} ${JSON.stringify(answer)}`)
    return answer
  }

  // stock is what the server can send to the user now.
  async stock(openid) {
    return (await this.api('GET', `/v1/users/${openid}?app=${this.app.appid}`)).permits
  }

  phone(openid) {
    return new Phone(this, openid)
  }
}

// A Phone is one user's, with the mini program open or closed. Its network can
// be cut, and answers can be lost on the way back.
class Phone {
  constructor(world, openid) {
    Object.assign(this, { world, openid, storage: new Map(), online: true, loseAnswers: 0, uploads: [], answers: {} })
  }

  // open is a cold start of the mini program.
  open() {
    for (const file of Object.keys(require.cache)) if (file.startsWith(dist)) delete require.cache[file]
    this.listeners = []
    this.wx = this.api()
    this.notify = require(dist).create({ server: this.world.server, app: this.world.app.appid, wx: this.wx })
    this.notify.start({ scene: 1001 })
    return this.notify
  }

  // close kills it: whatever it still wants gets no answer any more.
  close() {
    this.wx.request = this.wx.login = () => {}
  }

  network(online) {
    this.online = online
    for (const listener of this.listeners) listener({ isConnected: online, networkType: online ? 'wifi' : 'none' })
  }

  api() {
    const { world, openid } = this
    const sandbox = (where, body) => world.sandbox('POST', where, { appid: world.app.appid, openid, ...body })
    return {
      login: ({ success, fail }) => this.login ? success({ code: this.login }) : sandbox('login').then(({ code }) => success({ code, errMsg: 'login:ok' }), fail),
      request: (options) => void this.request(options),
      getStorageSync: (key) => (this.storage.has(key) ? JSON.parse(this.storage.get(key)) : ''),
      setStorageSync: (key, value) => void this.storage.set(key, JSON.stringify(value)),
      onNetworkStatusChange: (listener) => void this.listeners.push(listener),
      requestPayment: ({ success }) => success({ errMsg: 'requestPayment:ok' }),
      requestSubscribeMessage: ({ tmplIds, success, fail }) => {
        const results = Object.fromEntries(tmplIds.map((id) => [id, this.answers[id] || 'accept']))
        sandbox('subscriptions', { results }).then(() => success({ errMsg: 'requestSubscribeMessage:ok', ...results }), (err) => fail({ errMsg: String(err) }))
      }
    }
  }

  async request({ url, method, header, data, success, fail }) {
    if (!this.online) return setImmediate(() => fail({ errMsg: 'request:fail' }))
    if (data && data.permits) this.uploads.push(data.permits)
    const { status, body, header: back } = await call(method, url, data, header)
    if (this.loseAnswers > 0) {
      this.loseAnswers--
      return fail({ errMsg: 'request:fail timeout' })
    }
    success({ statusCode: status, data: body, header: back, errMsg: 'request:ok' })
  }

  // submit is a tap on the button of a form with report-submit.
  async submit() {
    const { form_id: formId } = await this.world.sandbox('POST', 'forms', { appid: this.world.app.appid, openid: this.openid })
    this.notify.form({ type: 'submit', detail: { value: {}, formId } }, { scene: 'order' })
    return formId
  }

  // pay is an order that is paid.
  async pay() {
    const { prepay_id: id } = await this.world.sandbox('POST', 'payments', { appid: this.world.app.appid, openid: this.openid })
    return this.notify.pay({ timeStamp: '1', nonceStr: 'n', package: 'prepay_id=' + id, signType: 'MD5', paySign: 's' })
  }
}

module.exports = { World, call, until }
