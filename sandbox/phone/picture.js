// A card as a PNG, drawn on a canvas from what the browser laid out: boxes,
// borders, pictures and lines of text, in that order. Nothing is loaded.

const scale = 3
const margin = 12

export async function savePicture (node, name) {
  const blob = await picture(node)
  const a = document.createElement('a')
  a.href = URL.createObjectURL(blob)
  a.download = name + '.png'
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10000)
}

async function picture (node) {
  const area = node.getBoundingClientRect()
  const zoom = area.width / node.offsetWidth || 1 // the phones may be drawn smaller
  const canvas = document.createElement('canvas')
  canvas.width = (node.offsetWidth + 2 * margin) * scale
  canvas.height = Math.min(16000, (node.offsetHeight + 2 * margin) * scale)
  const c = canvas.getContext('2d')
  c.fillStyle = background(node)
  c.fillRect(0, 0, canvas.width, canvas.height)
  c.scale(scale / zoom, scale / zoom)
  c.translate(margin * zoom - area.left, margin * zoom - area.top)
  await paint(c, node, zoom)
  return new Promise((resolve, reject) => canvas.toBlob((b) => (b ? resolve(b) : reject(new Error('no picture'))), 'image/png'))
}

function background (node) {
  for (let e = node.parentElement; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor
    if (color !== 'rgba(0, 0, 0, 0)') return color
  }
  return '#ededed'
}

async function paint (c, node, zoom) {
  const style = getComputedStyle(node)
  if (style.display === 'none' || style.visibility === 'hidden') return
  const r = node.getBoundingClientRect()
  c.save()
  box(c, r, style, zoom)
  if (node.localName === 'svg') {
    await drawing(c, node, r, style)
  } else {
    if (style.overflowX !== 'visible') c.clip() // the path of the box
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) text(c, child, style, zoom)
      else if (child.nodeType === Node.ELEMENT_NODE) await paint(c, child, zoom)
    }
  }
  c.restore()
}

function box (c, r, style, zoom) {
  c.beginPath()
  c.roundRect(r.left, r.top, r.width, r.height, radius(style.borderTopLeftRadius, r) * (style.borderTopLeftRadius.endsWith('%') ? 1 : zoom))
  c.fillStyle = style.backgroundColor
  c.fill()
  for (const side of ['Top', 'Bottom']) {
    const width = parseFloat(style['border' + side + 'Width']) * zoom
    if (!width || style['border' + side + 'Style'] === 'none') continue
    c.fillStyle = style['border' + side + 'Color']
    c.fillRect(r.left, side === 'Top' ? r.top : r.bottom - width, r.width, width)
  }
}

const radius = (value, r) => (value.endsWith('%') ? parseFloat(value) / 100 * r.width : parseFloat(value) || 0)

// drawing turns an inline picture into one of its own; it has to say its
// colour itself then.
async function drawing (c, node, r, style) {
  const copy = node.cloneNode(true)
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('color', style.color)
  const image = new Image()
  image.src = 'data:image/svg+xml,' + encodeURIComponent(new XMLSerializer().serializeToString(copy))
  await image.decode()
  c.beginPath()
  c.roundRect(r.left, r.top, r.width, r.height, radius(style.borderTopLeftRadius, r))
  c.clip()
  c.drawImage(image, r.left, r.top, r.width, r.height)
}

function text (c, node, style, zoom) {
  c.font = [style.fontStyle, style.fontWeight, parseFloat(style.fontSize) * zoom + 'px', style.fontFamily].join(' ')
  c.fillStyle = style.color
  c.textBaseline = 'alphabetic'
  c.textAlign = 'left'
  for (const line of lines(node)) {
    const m = c.measureText(line.text)
    const height = m.fontBoundingBoxAscent + m.fontBoundingBoxDescent
    c.direction = /^[^\p{L}]*[\p{sc=Hebrew}\p{sc=Arabic}]/u.test(line.text) ? 'rtl' : 'ltr'
    c.fillText(line.text, line.left, line.top + (line.height - height) / 2 + m.fontBoundingBoxAscent, line.width + 1)
  }
}

// lines are a text node's lines as the browser broke them.
function lines (node) {
  const out = []
  const range = document.createRange()
  const whole = node.data
  let at = 0
  for (const character of whole) {
    range.setStart(node, at)
    range.setEnd(node, at += character.length)
    const r = range.getClientRects()[0]
    if (!r || r.width === 0) {
      if (out.length) out.at(-1).text += character // joins marks and joiners to what they belong to
      continue
    }
    const last = out.at(-1)
    if (last && Math.abs(last.top - r.top) < r.height / 2) {
      last.text += character
      last.width = Math.max(last.left + last.width, r.right) - Math.min(last.left, r.left)
      last.left = Math.min(last.left, r.left)
    } else {
      out.push({ text: character, left: r.left, top: r.top, width: r.width, height: r.height })
    }
  }
  for (const line of out) line.text = line.text.replace(/[\r\n]/g, '')
  return out
}
