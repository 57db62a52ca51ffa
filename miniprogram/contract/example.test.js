// The example's five steps, as its README has them, against `wxnotify demo`.
// What DevTools gives (mock code, mock form id) is given here too.
const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { after, before, test } = require('node:test')
const { DevTools } = require('../test/devtools')
const { World, call, until } = require('./world')

let world, tools

// Connected is DevTools with a network.
class Connected extends DevTools {
  reach(url) {
    return url.replace('http://127.0.0.1:8080', world.server).replace('http://127.0.0.1:8081', world.wechat)
  }

  request({ url, method, header, data, success, fail }) {
    this.pending++
    call(method, url, data, header).finally(() => this.pending--)
      .then(({ status, body, header }) => success({ statusCode: status, data: body, header }), (err) => fail({ errMsg: 'request:fail ' + err }))
  }

  api() {
    return { ...super.api(), login: ({ success }) => success({ code: 'the code is a mock one' }) }
  }

  // answer taps a button of the modal that comes up.
  async tap(confirm) {
    (await until('a modal', () => this.modals.shift())).success({ confirm })
  }
}

before(async () => {
  world = await World.demo()
  tools = new Connected()
}, { timeout: 300000 })

after(() => world && world.close())

test('order, pay, subscribe: the page shows what can be sent; the curl of the demo reaches this user', { timeout: 60000 }, async () => {
  tools.open({ scene: 1001 })
  const menu = tools.page('pages/menu/menu')
  menu.add({ currentTarget: { dataset: { id: 1 } } })
  menu.checkout()
  const order = tools.page(tools.went[0])
  order.submit({ detail: { value: { note: '' }, formId: 'the formId is a mock one' } })
  await tools.tap(true)
  const detail = tools.page(await until('the order', () => tools.went[1]))
  detail.subscribe()
  await tools.tap(true)
  await until('the answer', () => detail.data.asked)
  await detail.refresh()
  const { form, payment, once, openid } = detail.data.stock
  assert.deepEqual([form, payment, once, openid], [4, 3, 2, world.users[0].openid])

  const line = /^curl .*$/m.exec(world.said)[0]
  const sent = JSON.parse(execFileSync('sh', ['-c', line], { cwd: world.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  assert.equal(sent.touser, openid)
  const { data: [card] } = await world.sandbox('GET', `cards?openid=${openid}&wait_ms=10000`)
  await detail.refresh()
  assert.equal(detail.data.stock.form, 3)

  tools.open({ scene: 1014, path: card.page })
  const opened = tools.page(card.page)
  assert.deepEqual([opened.data.fromCard, opened.data.order.id], [true, card.page.split('id=')[1]])
})
