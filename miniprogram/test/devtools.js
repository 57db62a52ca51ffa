// DevTools, as much of it as the example needs: it runs app.js and pages, and
// catches modals and moves. The server behind it answers by hand; the contract
// test puts the real one there.
const fs = require('node:fs')
const path = require('node:path')
const { Phone, ok, session, tookAll } = require('./phone')

const example = path.join(__dirname, '../example')
const PREPAY = 'wx25123000000000abcdef0123456789abcd00'

class DevTools extends Phone {
  constructor() {
    super((request) => this.answers(request))
    this.modals = []
    this.went = []
    this.stock = { form: 0, payment: 0, subscribe: {}, longterm: [] }
  }

  answers({ path, data }) {
    const [, where] = path.split('/sandbox/')
    if (where === 'payments') return { status: 201, body: { prepay_id: PREPAY } }
    if (where) return ok({})
    if (path === '/mp/v1/login') return ok(session({ sandbox: true, templates: [] }))
    if (path === '/mp/v1/me') return ok({ touser: 'oUser', permits: this.stock })
    return tookAll({ data })
  }

  // open runs app.js, as the launch with these options does.
  open(options) {
    this.network = []
    this.loaded = {}
    this.wx = Object.assign(this.api(), {
      request: (options) => this.request({ ...options, url: this.reach(options.url) }),
      requestPayment: undefined,
      requestSubscribeMessage: undefined,
      showModal: (options) => this.modals.push(options),
      navigateTo: ({ url }) => this.went.push(url),
      redirectTo: ({ url }) => this.went.push(url),
      stopPullDownRefresh: () => {},
      setClipboardData: ({ data }) => { this.clipboard = data }
    })
    this.run('app.js', { App: (app) => { this.app = app } })
    this.app.onLaunch(options)
    this.app.onShow(options)
  }

  // reach is where an address of config.js leads.
  reach(url) {
    return url.replace(/^http:..127\.0\.0\.1:808[01]/, 'https://n.example.com')
  }

  // page opens a page by its address.
  page(url) {
    const [file, query] = url.replace(/^\//, '').split('?')
    let page
    this.run(file + '.js', { Page: (made) => { page = made } })
    page.data = structuredClone(page.data)
    page.setData = (data) => Object.assign(page.data, structuredClone(data))
    if (page.onLoad) page.onLoad(Object.fromEntries(new URLSearchParams(query)))
    if (page.onShow) page.onShow()
    return page
  }

  run(file, globals) {
    if (this.loaded[file]) return this.loaded[file].exports
    const module = this.loaded[file] = { exports: {} }
    const all = { module, exports: module.exports, require: (to) => this.run(this.resolve(file, to), globals), wx: this.wx, getApp: () => this.app, App: null, Page: null, ...globals }
    new Function(...Object.keys(all), fs.readFileSync(path.join(example, file), 'utf8'))(...Object.values(all))
    return module.exports
  }

  resolve(from, to) {
    if (!to.startsWith('.')) return path.join('miniprogram_npm', to, 'index.js')
    return path.join(path.dirname(from), to) + '.js'
  }
}

module.exports = { DevTools, PREPAY, example }
