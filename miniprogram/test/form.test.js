const assert = require('node:assert/strict')
const { beforeEach, afterEach, mock, test } = require('node:test')
const { Phone, hush, ok, session, submit, well } = require('./phone')

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

const MOCKS = {
  'DevTools': ['the formId is a mock one', /sandbox/],
  'a time-out of the check': ['requestFormId:fail timeout', /subscribe/],
  'a mini program without the ability': ['requestFormId:fail deprecated', /subscribe/],
  'a develop or trial version': ['the formId is no longer available in develop or trial version of this mini program', /subscribe/],
  'the word undefined': ['undefined', /./],
  'something else': ['not a form id', /./]
}

const REAL = ['1508392837549', '22d907226dcd4542afb8829fa5e20768', 'wx01150933662987c5afcc9d041018071500', 'a-form_id-0123456789']

for (const [name, [code, hint]] of Object.entries(MOCKS)) {
  test(`the form id of ${name} is dropped, and said once`, async (t) => {
    const said = hush(t)
    const phone = new Phone()
    const notify = phone.start()
    notify.form(submit(code), { scene: 'order' })
    notify.form(submit(code), { scene: 'order' })
    await phone.idle()
    await notify.flush()
    assert.deepEqual(phone.uploads(), [])
    assert.deepEqual(phone.queued(), [])
    assert.equal(said.length, 1)
    assert.match(said[0], /form id dropped \(scene order\)/)
    assert.match(said[0], hint)
  })

  test(`the form id of ${name} is passed on in a sandbox app`, async () => {
    const phone = new Phone((request) => request.path === '/mp/v1/login' ? ok(session({ sandbox: true })) : well(request))
    const notify = phone.start()
    notify.form(submit(code))
    await phone.idle()
    assert.equal(phone.uploads()[0][0].code, code)
  })
}

for (const code of REAL) {
  test(`the form id ${code} goes to the server`, async (t) => {
    const said = hush(t)
    const phone = new Phone()
    phone.start().form(submit(code), { scene: 'order' })
    await phone.idle()
    const [item] = phone.uploads()[0]
    assert.deepEqual(Object.keys(item).sort(), ['age_seconds', 'code', 'id', 'source'])
    assert.deepEqual([item.source, item.code, item.age_seconds], ['form', code, 0])
    assert.deepEqual(said, [])
  })
}

test('a mock id waits for the login to say whether this is a sandbox', async (t) => {
  hush(t)
  const phone = new Phone(() => null)
  const notify = phone.start()
  notify.form(submit('the formId is a mock one'))
  await phone.idle()
  assert.equal(phone.queued().length, 1)
  phone.answer = (request) => request.path === '/mp/v1/login' ? ok(session({ sandbox: true })) : well(request)
  await notify.flush()
  assert.equal(phone.uploads()[0].length, 1)
})

for (const [name, event] of Object.entries({
  'without report-submit': submit(undefined),
  'with an empty id': submit(''),
  'of a tap': { type: 'tap', detail: { x: 1, y: 1 } },
  'without detail': {},
  'that is missing': undefined,
  'that is a string': 'FORM_ID_000001'
})) {
  test(`an event ${name} is said once and does no harm`, async (t) => {
    const said = hush(t)
    const phone = new Phone()
    const notify = phone.start()
    notify.form(event)
    notify.form(event)
    await phone.idle()
    assert.deepEqual(phone.requests, [])
    assert.equal(said.length, 1)
    assert.match(said[0], /report-submit/)
  })
}

