// The example, run as DevTools runs it, with a server and a sandbox that answer.
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { afterEach, beforeEach, mock, test } = require('node:test')
const { DevTools, PREPAY, example } = require('./devtools')
const { hush, submit } = require('./phone')

const MOCK = 'the formId is a mock one'

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

const files = (end) => fs.readdirSync(example, { recursive: true }).filter((file) => file.endsWith(end) && !file.startsWith('miniprogram_npm'))
const read = (file) => fs.readFileSync(path.join(example, file), 'utf8')

test('an order: the form, the payment and the subscription reach the server', async (t) => {
  const said = hush(t)
  const tools = new DevTools()
  tools.open({ scene: 1001 })
  await tools.idle()

  const menu = tools.page('pages/menu/menu')
  menu.checkout()
  assert.deepEqual(tools.went, [])
  for (const id of [1, 1, 4, 5]) menu.add({ currentTarget: { dataset: { id } } })
  menu.remove({ currentTarget: { dataset: { id: 5 } } })
  menu.checkout()
  assert.equal(menu.data.cart.total, '65')

  const order = tools.page(tools.went[0])
  assert.deepEqual(order.data.cart.lines.map((line) => [line.name, line.count, line.sum]), [['红烧牛肉面', 2, '56'], ['凉拌黄瓜', 1, '9']])
  const event = submit(MOCK)
  event.detail.value.note = '少辣'
  order.submit(event)
  await tools.idle()
  tools.modals[0].success({ confirm: true })
  await tools.idle()
  assert.equal(tools.went[1], '/pages/order/detail?id=1019')

  const detail = tools.page(tools.went[1])
  detail.subscribe()
  assert.equal(tools.modals.length, 2)
  tools.modals[1].success({ confirm: true })
  await tools.idle()
  await detail.refresh()

  const given = tools.uploads().flat().map(({ source, code, template_id: template, result }) => [source, code || template, result])
  const { templates } = tools.run('config.js')
  assert.deepEqual(given, [
    ['form', MOCK, undefined],
    ['payment', PREPAY, undefined],
    ['subscribe', templates.accepted, 'accept'],
    ['subscribe', templates.arrived, 'accept']
  ])
  assert.match(detail.data.asked, /通知你/)
  assert.equal(detail.data.order.note, '少辣')
  assert.deepEqual(said, [])
})

test('an order that is not paid stays where it is, and can be paid again', async () => {
  const tools = new DevTools()
  tools.open({ scene: 1001 })
  const order = tools.page('pages/order/order?counts=' + encodeURIComponent('{"1":1}'))
  order.submit(submit(MOCK))
  await tools.idle()
  tools.modals[0].success({ confirm: false })
  await tools.idle()
  assert.deepEqual([tools.went, order.data.paying], [[], false])
})

test('a refused subscription is taken as an answer', async () => {
  const tools = new DevTools()
  tools.open({ scene: 1001 })
  const detail = tools.page('pages/order/detail?id=1019')
  await tools.idle()
  detail.subscribe()
  tools.modals[0].success({ confirm: false })
  await tools.idle()
  assert.match(detail.data.asked, /不打扰/)
})

test('a card opens the order that it names, and the page knows', async () => {
  const tools = new DevTools()
  tools.open({ scene: 1014, path: 'pages/order/detail', query: { id: '1019' } })
  const detail = tools.page('pages/order/detail?id=1019')
  await tools.idle()
  assert.deepEqual([detail.data.fromCard, detail.data.order.id, detail.data.order.sample], [true, '1019', true])
  detail.copy()
  assert.equal(tools.clipboard, 'oUser')
})

test('without a server the pages say what to do', async (t) => {
  hush(t)
  const tools = new DevTools()
  tools.answer = () => null
  tools.open({ scene: 1001 })
  const order = tools.page('pages/order/order?counts=' + encodeURIComponent('{"1":1}'))
  order.submit(submit(MOCK))
  const detail = tools.page('pages/order/detail?id=1019')
  await tools.idle()
  assert.equal(detail.data.stock, null)
  assert.match(tools.modals[0].content, /wxnotify demo/)
})

test('it opens in DevTools as it is', () => {
  for (const file of files('.json')) assert.doesNotThrow(() => JSON.parse(read(file)), file)
  const project = JSON.parse(read('project.config.json'))
  assert.deepEqual([project.appid, project.setting.urlCheck], ['touristappid', false])
  for (const page of JSON.parse(read('app.json')).pages) {
    for (const end of ['.js', '.json', '.wxml', '.wxss']) assert.ok(fs.existsSync(path.join(example, page + end)), page + end)
  }
  const tap = JSON.parse(read('pages/menu/menu.json')).usingComponents['notify-tap']
  assert.ok(fs.existsSync(path.join(example, 'miniprogram_npm', tap + '.wxml')))
  for (const file of [...files('.js'), ...files('.json')]) {
    for (const [address] of read(file).matchAll(/https?:\/\/[^'"/]+/g)) assert.match(address, /^http:\/\/127\.0\.0\.1:/, file)
  }
})

test('each page has the handlers and closes the tags that its wxml names', () => {
  const tools = new DevTools()
  tools.open({ scene: 1001 })
  for (const file of files('.wxml')) {
    const page = tools.page(file.replace('.wxml', ''))
    const wxml = read(file)
    for (const [, handler] of wxml.matchAll(/\bbind:?[a-z]+="(\w+)"/g)) assert.equal(typeof page[handler], 'function', file + ' ' + handler)
    const open = []
    for (const [, end, tag, self] of wxml.matchAll(/<(\/?)([a-z-]+)(?:"[^"]*"|[^">])*?(\/?)>/g)) {
      if (self) continue
      if (end) assert.equal(open.pop(), tag, file)
      else open.push(tag)
    }
    assert.deepEqual(open, [], file)
  }
})
