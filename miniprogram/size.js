// Prints what the package adds to a mini program, whose main package may have 2 MB
// in all, and fails over 10 KB: 10,000 bytes. Every file of miniprogram_dist counts
// as it lies there, but the types, which DevTools leaves out.
const fs = require('node:fs')
const path = require('node:path')

const MOST = 10000
const dist = path.join(__dirname, 'miniprogram_dist')
const size = fs.readdirSync(dist, { recursive: true })
  .map((file) => path.join(dist, file))
  .filter((file) => fs.statSync(file).isFile() && !file.endsWith('.d.ts'))
  .reduce((sum, file) => sum + fs.statSync(file).size, 0)

console.log(`wxnotify-miniprogram: ${size} bytes minified, of ${MOST} allowed`)
if (size > MOST) process.exit(1)
