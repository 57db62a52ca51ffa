// Plots: an element with data-plot holds what is to be drawn, as JSON:
//   {kind: 'bars' | 'lines', x: [seconds], series: [{name, tone, values, unit}], zoom: 'from/to address', max, target}
// Values are shown on hover in the legend; dragging over a plot zooms in.

const drawn = new Map() // by the element's id, so that a fresh look keeps the place

const color = (tone) => {
  const probe = document.createElement('i')
  probe.className = 'hidden b-' + tone
  document.body.append(probe)
  const c = getComputedStyle(probe).backgroundColor
  probe.remove()
  return c
}
const ink = (name) => {
  const probe = document.createElement('i')
  probe.style.color = 'var(' + name + ')'
  document.body.append(probe)
  const c = getComputedStyle(probe).color
  probe.remove()
  return c
}

export function plots (root) {
  const all = [...root.querySelectorAll('[data-plot]')]
  if (root.matches && root.matches('[data-plot]')) all.push(root)
  for (const e of all) draw(e)
}

function draw (e) {
  const p = JSON.parse(e.dataset.plot)
  drawn.get(e.id)?.destroy()
  e.replaceChildren()
  const width = e.clientWidth
  const height = e.clientHeight - 22
  if (!width || !p.x.length) return
  const stacked = p.kind === 'bars' ? stack(p.series.map((s) => s.values)) : p.series.map((s) => s.values)
  const axis = { stroke: ink('--ink3'), grid: { stroke: ink('--line2'), width: 1 }, ticks: { show: false }, font: '10.5px ' + getComputedStyle(document.body).fontFamily }
  const step = p.x.length > 1 ? p.x[1] - p.x[0] : 60
  const order = p.series.map((s, i) => i).reverse() // the tallest sum first, the others before it
  const options = {
    width,
    height,
    padding: [8, 6, 0, 0],
    cursor: { drag: { x: Boolean(p.zoom), y: false, setScale: false }, points: { show: p.kind !== 'bars' }, y: false },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: (u, low, high) => [p.min ?? 0, p.max ?? Math.max(high * 1.08, p.target ?? 0, 1)] } },
    axes: [{ ...axis, size: 24, values: clock }, { ...axis, size: 46, gap: 3, values: (u, list) => list.map((v) => short(v) + (p.unit || '')) }],
    series: [{ label: '', value: (u, x) => (x === null ? '' : when(x)) }, ...order.map((i) => series(p, i, step))],
    hooks: { setSelect: [(u) => zoom(u, p)], draw: p.target === undefined ? [] : [(u) => line(u, p.target)] }
  }
  const plot = new window.uPlot(options, [p.x, ...order.map((i) => stacked[i])], e)
  drawn.set(e.id, plot)
}

function series (p, i, step) {
  const s = p.series[i]
  const c = color(s.tone)
  const base = { label: s.name, stroke: c, value: (u, v, _, at) => (at === null ? '–' : short(s.values[at]) + (p.unit || '')), spanGaps: false }
  if (p.kind !== 'bars') return { ...base, width: 1.75, points: { show: false } }
  return { ...base, fill: c, width: 0, points: { show: false }, paths: window.uPlot.paths.bars({ size: [0.86, 60], align: 1 }) }
}

function stack (all) {
  const sums = []
  return all.map((values) => values.map((v, i) => (sums[i] = (sums[i] || 0) + (v || 0))))
}

function line (u, value) {
  const y = Math.round(u.valToPos(value, 'y', true))
  u.ctx.save()
  u.ctx.strokeStyle = ink('--ink3')
  u.ctx.setLineDash([4, 4])
  u.ctx.beginPath()
  u.ctx.moveTo(u.bbox.left, y)
  u.ctx.lineTo(u.bbox.left + u.bbox.width, y)
  u.ctx.stroke()
  u.ctx.restore()
}

function zoom (u, p) {
  if (!p.zoom || u.select.width < 8) return
  const at = (px) => Math.round(u.posToVal(px, 'x'))
  const to = new URL(location.href)
  to.searchParams.delete('range')
  to.searchParams.set('from', at(u.select.left))
  to.searchParams.set('to', at(u.select.left + u.select.width))
  location.href = to
}

const lang = document.documentElement.lang
const hour = new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hour12: false })
const date = new Intl.DateTimeFormat(lang, { month: 'numeric', day: 'numeric' })
const both = new Intl.DateTimeFormat(lang, { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false })
const when = (x) => both.format(new Date(x * 1000)).replaceAll('/', '-')

function clock (u, list) {
  const days = list.length > 1 && list[1] - list[0] >= 86400
  return list.map((x) => {
    const t = new Date(x * 1000)
    return days || (t.getHours() === 0 && t.getMinutes() === 0) ? date.format(t) : hour.format(t)
  })
}

function short (v) {
  if (v === null || v === undefined) return '–'
  if (Math.abs(v) >= 1e6) return (v / 1e6).toFixed(1) + 'M'
  if (Math.abs(v) >= 1e4) return (v / 1e3).toFixed(1) + 'k'
  return Number.isInteger(v) ? v.toLocaleString('en-US') : v.toFixed(v < 10 ? 2 : 1)
}

let soon
addEventListener('resize', () => { clearTimeout(soon); soon = setTimeout(() => plots(document), 120) })
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots(document))
