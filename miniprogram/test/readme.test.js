const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { afterEach, beforeEach, mock, test } = require('node:test')
const { Phone, hush, submit } = require('./phone')

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

const read = (file) => fs.readFileSync(path.join(__dirname, '..', file), 'utf8')
const first = (file) => /```js\n([\s\S]*?)```/.exec(read(file))[1]
const headings = (file) => read(file).match(/^#+ |^\|.*\||^\d\./gm).length

test('the 15 lines of the README are 15, the same in both languages, and work', async (t) => {
  hush(t)
  const lines = first('README.md').trimEnd().split('\n')
  assert.equal(lines.length, 15)
  const code = lines.filter((line) => !line.startsWith('//'))
  assert.deepEqual(first('README.zh-CN.md').trimEnd().split('\n').filter((line) => !line.startsWith('//')), code)

  const phone = new Phone()
  phone.start()
  let app, page
  const [top, bottom] = first('README.md').split('// pages/')
  const run = (text, globals) => new Function('require', ...Object.keys(globals), text)(
    () => ({ create: (options) => require('../miniprogram_dist').create({ ...options, server: 'https://n.example.com', wx: phone.wx }) }), ...Object.values(globals))
  run(top, { App: (made) => { app = made } })
  run('// ' + bottom, { getApp: () => app, Page: (made) => { page = made } })
  app.onLaunch({})
  app.onShow({ scene: 1001 })
  await phone.idle()
  page.submit(submit('FORM_ID_000001'))
  page.buy({ package: 'prepay_id=wx01150933662987c5' })
  phone.payments[0].success({ errMsg: 'requestPayment:ok' })
  const asked = page.remind()
  phone.sheets[0].success({ TEMPLATE_ACCEPTED: 'accept' })
  assert.deepEqual((await asked).accepted, ['accepted'])
  app.onHide()
  await phone.idle()
  assert.deepEqual(phone.uploads().flat().map((item) => item.source), ['form', 'payment', 'subscribe'])
})

test('both languages have the same parts and the same rows', () => {
  for (const folder of ['', 'example/']) assert.equal(headings(folder + 'README.md'), headings(folder + 'README.zh-CN.md'), folder)
})

test('every reason is explained in both languages', () => {
  const reasons = /SubscribeReason =([\s\S]*?)\n\n/.exec(read('src/index.d.ts'))[1].match(/'\w+'/g)
  assert.ok(reasons.length > 10)
  for (const file of ['README.md', 'README.zh-CN.md']) {
    for (const reason of reasons) assert.ok(read(file).includes('`' + reason.slice(1, -1) + '`'), file + ' ' + reason)
  }
})
