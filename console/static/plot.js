// Plots: an element with data-plot holds what is to be drawn, as JSON (plot.go
// tells its fields). Values are shown beside the pointer; dragging zooms in; a
// click goes to the rows behind a point.

const plain = getComputedStyle(document.body).fontFamily

// resolve gives a colour of the stylesheet as the canvas takes it.
const probe = document.createElement('i')
function resolve (variable) {
  probe.style.color = 'var(' + variable + ')'
  if (!probe.isConnected) { probe.hidden = true; document.body.append(probe) }
  return getComputedStyle(probe).color
}
const tones = { ok: '--ok', bad: '--bad', warn: '--retry', info: '--info', viol: '--viol', teal: '--teal', mut: '--drop' }
const faint = (color, part) => color.replace(/^rgb\((.*)\)$/, 'rgba($1, ' + part + ')')

const drawn = new Map() // by the element

// plots draws what is in root. Where plots are not drawn, nothing is done.
export function plots (root) {
  if (!window.uPlot) return
  for (const [e, plot] of drawn) if (!e.isConnected) { plot.destroy(); drawn.delete(e) }
  for (const e of root.querySelectorAll('[data-plot]')) draw(e)
}

function draw (e) {
  const p = JSON.parse(e.dataset.plot)
  drawn.get(e)?.destroy()
  e.replaceChildren()
  if (!e.clientWidth || !p.x.length) return
  const bars = p.kind === 'bars'
  const values = bars ? stacked(p.series.map((s) => s.values)) : p.series.map((s) => s.values)
  const order = bars ? p.series.map((s, i) => i).reverse() : p.series.map((s, i) => i) // of a stack the tallest first
  const axis = { stroke: resolve('--ink3'), grid: { stroke: resolve('--line2'), width: 1 }, ticks: { show: false }, font: '11px ' + plain }
  const options = {
    width: e.clientWidth,
    height: e.clientHeight,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: Boolean(p.zoom), y: false, setScale: false }, points: { show: !bars, size: 6 }, y: false, x: !p.labels },
    scales: {
      x: { time: !p.labels, range: (u, low, high) => edges(p, low, high) },
      y: p.log ? { distr: 3, range: (u, low, high) => [10 ** Math.floor(Math.log10(low || 1)), 10 ** Math.ceil(Math.log10(Math.max(high || 10, (low || 1) * 1.01)))] } : { range: (u, low, high) => bounds(p, low, high) }
    },
    axes: [
      { ...axis, size: 20, gap: 4, space: 54, grid: { show: false }, ...(p.labels ? { splits: () => p.x, values: () => p.labels } : { values: clock }) },
      { ...axis, size: 42, gap: 4, space: 28, ...ticks(p), values: (u, list) => list.map((v) => axisText(p, v)) }
    ],
    series: [{}, ...order.map((i) => series(p, i, bars))],
    hooks: { setSelect: [(u) => zoom(u, p)], draw: [(u) => more(u, p, values)], setCursor: [(u) => tell(u, p, e)] }
  }
  const plot = new window.uPlot(options, [p.x, ...order.map((i) => values[i])], e)
  drawn.set(e, plot)
  clicks(plot, p, values, e)
}

// edges are the ends of the x axis: of bars there is room for the whole bar.
function edges (p, low, high) {
  if (p.labels) return [-0.6, p.x.length - 0.4]
  return p.kind === 'bars' ? [low, high + p.step] : [low, high > low ? high : high + p.step]
}

function bounds (p, low, high) {
  if (p.target) { // percent: the last ones count
    const least = Math.min(low ?? p.target, p.target)
    return [Math.max(0, Math.floor(least - (100 - least) * 0.15)), 100 + (100 - least) * 0.05 + 0.1]
  }
  return [0, Math.max((high || 0) * (p.labels ? 1.18 : 1.06), 4)]
}

// ticks of what is counted are whole numbers; of a logarithm the powers of ten.
const whole = [1, 2, 5].flatMap((n) => Array.from({ length: 12 }, (_, i) => n * 10 ** i)).sort((a, b) => a - b)
function ticks (p) {
  if (p.log) return { filter: (u, list) => list, splits: (u) => Array.from({ length: 9 }, (_, i) => 10 ** (i - 1)).filter((v) => v >= u.scales.y.min && v <= u.scales.y.max) }
  return p.target ? {} : { incrs: whole }
}

function series (p, i, bars) {
  const color = resolve(tones[p.series[i].tone])
  if (!bars) {
    const gaps = p.series[i].values.filter((v) => v !== null).length > 30
    return { stroke: color, width: 1.5, fill: p.area ? faint(color, 0.16) : undefined, spanGaps: !p.area, points: { show: !gaps, size: 4, fill: color } }
  }
  return { stroke: color, fill: color, width: 0, points: { show: false }, paths: window.uPlot.paths.bars({ size: [p.labels ? 0.68 : 0.84, 46], align: p.labels ? 0 : 1 }) }
}

function stacked (all) {
  const sums = []
  return all.map((values) => values.map((v, i) => {
    sums[i] = (sums[i] || 0) + (v || 0)
    return v ? sums[i] : null // no piece, no line
  }))
}

// more draws the objective with what is missing below it, and numbers above bars.
function more (u, p, values) {
  const ctx = u.ctx
  ctx.save()
  if (p.target) {
    const y = Math.round(u.valToPos(p.target, 'y', true))
    ctx.strokeStyle = resolve('--retry')
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
    ctx.lineWidth = devicePixelRatio
    ctx.beginPath()
    ctx.moveTo(u.bbox.left, y)
    ctx.lineTo(u.bbox.left + u.bbox.width, y)
    ctx.stroke()
  }
  if (p.labels && values.length) {
    ctx.fillStyle = resolve('--ink3')
    ctx.textAlign = 'center'
    ctx.textBaseline = 'bottom'
    ctx.font = 11 * devicePixelRatio + 'px ' + plain
    p.x.forEach((x, i) => {
      const v = Math.max(...values.map((s) => s[i]))
      if (v) ctx.fillText(short(v), u.valToPos(i, 'x', true), u.valToPos(v, 'y', true) - 2 * devicePixelRatio)
    })
  }
  ctx.restore()
}

// values beside the pointer

const tip = document.createElement('div')
tip.className = 'tip'
tip.hidden = true

function tell (u, p, e) {
  const at = u.cursor.idx
  if (at === null || at === undefined || u.cursor.left < 0) { if (tip.parentNode === e) tip.hidden = true; return }
  const rows = p.series.map((s) => row(s.tone, s.name, number(p, s.values[at]))).reverse()
  if (p.kind === 'bars' && p.series.length > 1) rows.push(row('', '∑', short(p.series.reduce((n, s) => n + (s.values[at] || 0), 0))))
  const head = document.createElement('p')
  head.textContent = p.labels ? p.labels[at] : when(p, p.x[at])
  tip.replaceChildren(head, ...rows)
  e.append(tip)
  tip.hidden = false
  const x = u.over.offsetLeft + u.cursor.left
  const right = x + 14 + tip.offsetWidth > e.clientWidth
  tip.style.left = Math.max(0, right ? x - 14 - tip.offsetWidth : x + 14) + 'px'
  tip.style.top = Math.min(12, e.clientHeight - tip.offsetHeight) + 'px'
}

function row (tone, name, value) {
  const line = document.createElement('div')
  const dot = document.createElement('i')
  const label = document.createElement('span')
  const text = document.createElement('b')
  if (tone) dot.className = 'b-' + tone
  label.textContent = name
  text.textContent = value
  line.append(dot, label, text)
  return line
}

// clicks lead to the rows behind a point: those of the piece of a bar, or of a
// line, that is under the pointer. What a finger touches first tells its value.
function clicks (u, p, values, e) {
  let from = null
  let told = null
  u.over.addEventListener('pointerdown', (event) => { from = event })
  u.over.addEventListener('click', (event) => {
    const at = u.cursor.idx
    if (!p.link || at === null || at === undefined || (from && Math.abs(event.clientX - from.clientX) > 6)) return
    if (from?.pointerType === 'touch' && told !== at) { told = at; return }
    location.href = address(p, at, hit(u, p, values, at))
  })
}

function hit (u, p, values, at) {
  if (p.series.length === 1) return p.series[0]
  const y = u.posToVal(u.cursor.top, 'y')
  if (p.kind === 'bars') return p.series[values.findIndex((s) => s[at] >= y)]
  let best
  let least = 14
  p.series.forEach((s) => {
    const far = s.values[at] === null ? Infinity : Math.abs(u.valToPos(s.values[at], 'y') - u.cursor.top)
    if (far < least) [best, least] = [s, far]
  })
  return best || p.series[0]
}

// address is where a point of a line leads; without a line, of all of them.
export function address (p, at, line) {
  const to = new URL(p.link, location.href)
  const add = (text) => { for (const [k, v] of new URLSearchParams(text)) to.searchParams.set(k, v) }
  if (line?.with) add(line.with)
  if (p.at) add(p.at[at])
  else { to.searchParams.set('from', p.x[at]); to.searchParams.set('to', p.x[at] + p.step) }
  return to
}

function zoom (u, p) {
  if (!p.zoom || u.select.width < 8) return
  const at = (px) => u.posToVal(px, 'x')
  const to = new URL(location.href)
  const from = Math.floor(at(u.select.left) / 60) * 60
  to.searchParams.delete('range')
  to.searchParams.set('from', from)
  to.searchParams.set('to', Math.max(from + 60, Math.ceil(at(u.select.left + u.select.width) / 60) * 60))
  location.href = to
}

// texts

const lang = document.documentElement.lang
const hour = new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const date = new Intl.DateTimeFormat(lang, { month: 'numeric', day: 'numeric' })
const both = new Intl.DateTimeFormat('zh-CN', { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) // digits alone, as in tables

function when (p, x) {
  const from = new Date(x * 1000)
  const to = new Date((x + p.step) * 1000)
  if (p.kind !== 'bars') return both.format(from).replaceAll('/', '-')
  return both.format(from).replaceAll('/', '-') + ' – ' + (p.step < 86400 ? hour : date).format(to).replaceAll('/', '-')
}

function clock (u, list) {
  const days = list.length > 1 && list[1] - list[0] >= 86400
  return list.map((x) => {
    const t = new Date(x * 1000)
    return days || (t.getHours() === 0 && t.getMinutes() === 0) ? date.format(t) : hour.format(t)
  })
}

function axisText (p, v) {
  if (p.log) return v >= 1000 ? v / 1000 + ' s' : v + p.unit
  if (p.target) return v > 100 ? '' : v + p.unit
  return short(v)
}

function number (p, v) {
  if (v === null || v === undefined) return '–'
  if (p.log) return v >= 1000 ? (v / 1000).toFixed(2) + ' s' : (v < 10 ? v.toFixed(1) : Math.round(v)) + p.unit
  return p.target ? v.toFixed(2) + p.unit : short(v)
}

function short (v) {
  if (v === null || v === undefined) return '–'
  if (Math.abs(v) >= 1e6) return (v / 1e6).toFixed(1) + 'M'
  if (Math.abs(v) >= 1e4) return (v / 1e3).toFixed(Math.abs(v) >= 1e5 ? 0 : 1) + 'k'
  return v.toLocaleString('en-US', { maximumFractionDigits: 1 })
}

let soon
addEventListener('resize', () => { clearTimeout(soon); soon = setTimeout(() => plots(document), 120) })
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots(document))
