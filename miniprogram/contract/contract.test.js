// The built package against the real server and WeChat's simulator. The steps
// follow one another in one world, and each ends with the exact stock.
const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { World, until } = require('./world')

const DAY = 24 * 3600
const alias = { accepted: '接单通知', arrived: '订单送达提醒', station: '到站提醒' }

let world, phone, openid, said, id
const expect = { form: 0, payment: 0, subscribe: {}, longterm: [] }

before(async () => {
  world = await World.serve()
  openid = world.users[0].openid
  phone = world.phone(openid)
  id = {}
  await world.api('POST', '/v1/templates/sync', { app: world.app.appid })
  for (const [name, title] of Object.entries(alias)) {
    const { template_id: template } = world.templates.find((one) => one.channel === 'subscribe' && one.title === title)
    id[name] = template
    await world.api('PUT', '/v1/templates/' + template, { app: world.app.appid, alias: name, channel: 'subscribe' })
  }
  console.warn = (text) => said.push(text)
  said = []
}, { timeout: 300000 })

after(() => world && world.close())

// stocked compares the server's books with what the user has given.
async function stocked() {
  await phone.notify.flush()
  assert.deepEqual(await world.stock(openid), expect)
  assert.deepEqual((await phone.notify.me()).permits, expect)
}

const step = (name, run) => test(name, { timeout: 60000 }, async () => {
  said = []
  await run()
})

step('login: the session is this user\'s, with nothing in stock', async () => {
  const notify = phone.open()
  assert.equal((await notify.me()).touser, openid)
  await stocked()
  assert.deepEqual(said, [])
})

step('a form gives one', async () => {
  await phone.submit()
  expect.form += 1
  await stocked()
})

step('a double upload counts once: the answer was lost', async () => {
  phone.loseAnswers = 1
  await phone.submit()
  await phone.notify.flush()
  assert.equal(phone.loseAnswers, 0)
  await phone.notify.flush()
  const [first, second] = phone.uploads.slice(-2)
  assert.equal(first[0].id, second[0].id)
  expect.form += 1
  await stocked()
})

step('a form id that the page hands over twice counts once', async () => {
  const formId = await phone.submit()
  phone.notify.form({ detail: { formId } })
  expect.form += 1
  await stocked()
})

step('offline nothing is lost, closing the mini program included, and the network brings it', async () => {
  phone.network(false)
  await phone.submit()
  await phone.notify.flush()
  await phone.submit()
  assert.deepEqual(await world.stock(openid), expect)
  phone.close()

  phone.open()
  await phone.submit()
  await phone.notify.flush()
  assert.deepEqual(await world.stock(openid), expect)
  const uploads = phone.uploads.length
  phone.network(true)
  await phone.notify.flush()
  expect.form += 3
  assert.deepEqual(phone.uploads.slice(uploads).map((group) => group.length), [3])
  await stocked()
})

step('a payment is not taken from the phone unless the app allows it', async () => {
  said = []
  assert.equal((await phone.pay()).paid, true)
  await stocked()
  assert.equal(said.filter((text) => text.includes('payment_not_allowed')).length, 1)
})

step('where the app allows it, a payment gives three', async () => {
  await world.api('PATCH', '/v1/apps/' + world.app.appid, { mp_payments: true })
  phone.close()
  phone.storage.clear()
  phone.open()
  await phone.notify.me()
  assert.equal((await phone.pay()).paid, true)
  expect.payment += 3
  await stocked()
})

step('an accepted subscription gives one for its template, a refused one none', async () => {
  phone.answers = { [id.arrived]: 'reject' }
  const result = await phone.notify.subscribe(['accepted', 'arrived'])
  assert.deepEqual(result, { accepted: ['accepted'], rejected: ['arrived'], banned: [], filtered: [], left: [], reason: null })
  expect.subscribe[id.accepted] = 1
  await stocked()
})

step('a long-term subscription stays', async () => {
  assert.deepEqual((await phone.notify.subscribe('station')).accepted, ['station'])
  expect.longterm = [id.station]
  await stocked()
})

step('another user\'s form id is refused, said once, and forgotten', async () => {
  const other = world.phone(world.users[1].openid)
  other.open()
  const formId = await other.submit()
  await other.notify.flush()
  said = []
  phone.notify.form({ detail: { formId } })
  await stocked()
  assert.deepEqual(said.filter((text) => text.includes('permit_conflict')).length, 1)
  assert.deepEqual(JSON.parse(phone.storage.get(`wxnotify:${world.app.appid}:queue`)), [])
  other.close()
})

step('a mock form id is dropped on the phone', async () => {
  const uploads = phone.uploads.length
  phone.notify.form({ detail: { formId: 'the formId is a mock one' } })
  await stocked()
  assert.equal(phone.uploads.length, uploads)
  assert.equal(said.length, 1)
})

step('a message then reaches the phone, and costs one form', async () => {
  const template = world.templates.find((one) => one.channel === 'template')
  const data = { keyword1: { value: '已接单', color: '#173177' }, keyword2: { value: '2017年10月19日 12:31' }, keyword3: { value: '张一山' }, keyword4: { value: '136xxxx1720' }, keyword5: { value: '请手机保持通畅' } }
  const message = await world.api('POST', '/v1/messages?wait_ms=10000', {
    app: world.app.appid, touser: openid, template_id: template.template_id, page: 'pages/order/detail?id=1019', data, emphasis_keyword: 'keyword1.DATA'
  })
  assert.equal(message.state, 'sent')
  const { data: cards } = await world.sandbox('GET', `cards?openid=${openid}&wait_ms=10000`)
  assert.equal(cards.length, 1)
  assert.deepEqual([cards[0].title, cards[0].page, cards[0].emphasis], ['接单通知', 'pages/order/detail?id=1019', 'keyword1'])
  assert.deepEqual(cards[0].rows.map((row) => row.value), Object.values(data).map(({ value }) => value))
  expect.form -= 1
  await stocked()
})

step('and one to the subscription, by its alias', async () => {
  const message = await world.api('POST', '/v1/messages?wait_ms=10000', {
    app: world.app.appid, touser: openid, template_id: 'accepted', page: 'pages/order/detail?id=1019',
    data: { phrase1: '已接单', time2: '2026年11月25日 12:31', name3: '张一山', phone_number4: '13600001720', thing5: '请手机保持通畅' }
  })
  assert.equal(message.state, 'sent')
  delete expect.subscribe[id.accepted]
  const { data: cards } = await world.sandbox('GET', `cards?openid=${openid}`)
  assert.deepEqual(cards.map((card) => card.channel), ['template', 'subscribe'])
  await stocked()
})

step('eight days later the session is renewed without a word, and what ran out is gone', async () => {
  await world.sandbox('POST', 'clock', { advance_seconds: 8 * DAY })
  Object.assign(expect, { form: 0, payment: 0 })
  await until('the server to follow the clock', async () => (await world.stock(openid)).form === 0)
  said = []
  const before = phone.storage.get('wxnotify:' + world.app.appid)
  await phone.submit()
  expect.form += 1
  await stocked()
  assert.notEqual(phone.storage.get('wxnotify:' + world.app.appid), before)
  assert.deepEqual(said, [])
})

step('a sandbox app takes DevTools\' mock code and mock form id, every time', async () => {
  await world.api('PATCH', '/v1/apps/' + world.app.appid, { sandbox: true })
  for (let n = 0; n < 2; n++) {
    phone.close()
    phone.storage.clear()
    phone.login = 'the code is a mock one'
    phone.open()
    await phone.notify.me()
    phone.notify.form({ detail: { formId: 'the formId is a mock one' } })
    expect.form += 1
    await stocked()
    assert.deepEqual(said, [])
  }
  phone.close()
})
