// npm run build: src/ → miniprogram_dist/, minified, file by file. The example
// gets the same files, so that DevTools opens it without a step before.
const fs = require('node:fs')
const path = require('node:path')
const { minify } = require('terser')

const src = path.join(__dirname, 'src')
const targets = [
  path.join(__dirname, 'miniprogram_dist'),
  path.join(__dirname, 'example/miniprogram_npm/wxnotify-miniprogram')
]

async function content(file) {
  const text = fs.readFileSync(path.join(src, file), 'utf8')
  if (path.extname(file) === '.wxss') return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\s+/g, ' ').replace(/ ?([{};]|: ) ?/g, (all) => all.trim()).trim() + '\n'
  if (path.extname(file) !== '.js') return text
  const { code } = await minify(text, { ecma: 5, safari10: true, toplevel: true, compress: { passes: 3, pure_getters: true, keep_fargs: false } })
  return code
}

async function build() {
  for (const target of targets) fs.rmSync(target, { recursive: true, force: true })
  const files = fs.readdirSync(src, { recursive: true }).filter((file) => fs.statSync(path.join(src, file)).isFile())
  for (const file of files) {
    const out = await content(file)
    for (const target of targets) {
      fs.mkdirSync(path.dirname(path.join(target, file)), { recursive: true })
      fs.writeFileSync(path.join(target, file), out)
    }
  }
}

build()
