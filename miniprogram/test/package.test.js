const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const vm = require('node:vm')
const { test } = require('node:test')
const acorn = require('acorn')
const { hush } = require('./phone')

const root = path.join(__dirname, '..')
const dist = path.join(root, 'miniprogram_dist')
const list = (folder) => fs.readdirSync(folder, { recursive: true }).filter((file) => fs.statSync(path.join(folder, file)).isFile()).sort()
const read = (...parts) => fs.readFileSync(path.join(...parts), 'utf8')
const scripts = list(dist).filter((file) => file.endsWith('.js'))

// walk visits every node of a syntax tree.
function walk(node, visit) {
  if (!node || typeof node !== 'object') return
  if (node.type) visit(node)
  for (const child of Object.values(node)) walk(child, visit)
}

test('every script is ES5, and requires nothing but its neighbours', () => {
  assert.equal(scripts.includes('index.js') && scripts.includes('notify-tap/index.js'), true)
  for (const file of scripts) {
    walk(acorn.parse(read(dist, file), { ecmaVersion: 5 }), (node) => {
      if (node.type !== 'CallExpression' || node.callee.name !== 'require') return
      const [{ value }] = node.arguments
      assert.match(value, /^\.\.?\//, file)
      assert.ok(scripts.includes(path.join(path.dirname(file), value) + '.js'), file + ' requires ' + value)
    })
  }
})

test('it runs where there is Promise and ES5, and nothing else', async (t) => {
  hush(t)
  const ES5 = new Set(['Object', 'Function', 'Array', 'String', 'Boolean', 'Number', 'Date', 'RegExp', 'Error', 'TypeError', 'Math', 'JSON', 'Promise',
    'parseInt', 'parseFloat', 'isNaN', 'isFinite', 'undefined', 'NaN', 'Infinity', 'encodeURIComponent', 'decodeURIComponent', 'globalThis'])
  const sent = []
  const world = vm.createContext({ console, setTimeout: () => 1, clearTimeout: () => {} })
  vm.runInContext(`
    Object.getOwnPropertyNames(globalThis).forEach(function (name) {
      if (!(${JSON.stringify([...ES5, 'console', 'setTimeout', 'clearTimeout'])}.includes(name))) delete globalThis[name]
    })
    ;['assign', 'entries', 'values', 'fromEntries'].forEach(function (name) { delete Object[name] })
    ;['from', 'of'].forEach(function (name) { delete Array[name] })
    ;['includes', 'find', 'findIndex', 'fill', 'flat', 'flatMap', 'at', 'keys', 'entries', 'values'].forEach(function (name) { delete Array.prototype[name] })
    ;['includes', 'startsWith', 'endsWith', 'repeat', 'padStart', 'padEnd', 'at', 'replaceAll', 'matchAll', 'trimStart', 'trimEnd'].forEach(function (name) { delete String.prototype[name] })
    delete Promise.prototype.finally
    delete Promise.allSettled`, world)
  const loaded = {}
  const load = (file) => {
    if (loaded[file]) return loaded[file].exports
    const module = loaded[file] = { exports: {} }
    const run = vm.runInContext(`(function (module, exports, require) {${read(dist, file)}\n})`, world)
    run(module, module.exports, (to) => load(path.join(path.dirname(file), to) + '.js'))
    return module.exports
  }
  const wx = {
    login: ({ success }) => success({ code: 'c' }),
    getStorageSync: () => '',
    setStorageSync: () => {},
    onNetworkStatusChange: () => {},
    requestSubscribeMessage: ({ success }) => success({ T: 'accept' }),
    requestPayment: ({ success }) => success({ errMsg: 'requestPayment:ok' }),
    request: ({ url, data, success }) => {
      sent.push(...(data.permits || []))
      success({ statusCode: 200, header: {}, data: url.endsWith('login')
        ? { session: 's', templates: [{ alias: 'a', template_id: 'T', channel: 'subscribe' }] }
        : { results: data.permits.map(({ id }) => ({ id, created: 1 })) } })
    }
  }
  const notify = load('index.js').create({ server: 'https://n.example.com', app: 'wx1', wx })
  notify.start({})
  await notify.flush()
  notify.form({ detail: { formId: 'FORM_ID_000001' } })
  assert.deepEqual((await notify.subscribe(['a'])).accepted.length, 1)
  assert.equal((await notify.pay({ package: 'prepay_id=wx0123456789' })).paid, true)
  await notify.flush()
  assert.deepEqual(sent.map((item) => item.source).sort(), ['form', 'payment', 'subscribe'])
})

test('it has no dependencies, and what npm needs to know', () => {
  const about = JSON.parse(read(root, 'package.json'))
  assert.equal(about.dependencies, undefined)
  assert.equal(about.miniprogram, 'miniprogram_dist')
  for (const file of [about.main, about.types]) assert.ok(fs.existsSync(path.join(root, file)), file)
})

test('the lock file names no registry', () => {
  assert.doesNotMatch(read(root, 'package-lock.json'), /"resolved"/)
})

test('the example carries this very package', () => {
  const copy = path.join(root, 'example/miniprogram_npm/wxnotify-miniprogram')
  assert.deepEqual(list(copy), list(dist))
  for (const file of list(dist)) assert.equal(read(copy, file), read(dist, file), file)
})
