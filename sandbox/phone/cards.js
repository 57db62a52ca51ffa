'use strict'

// Lists the newest cards and keeps the list live. All text goes in as text.

const KEEP = 200
const list = document.getElementById('cards')
const state = document.getElementById('state')
let newest = 0

function element (name, text, className) {
  const e = document.createElement(name)
  if (text !== undefined) e.textContent = text
  if (className) e.className = className
  return e
}

function draw (card) {
  const article = element('article')
  article.id = 'card-' + card.seq
  article.append(element('h2', card.title), element('div', new Date(card.time).toLocaleString(), 'time'))
  const rows = element('dl')
  for (const row of card.rows) {
    if (row.key === card.emphasis) {
      const big = element('div', row.value, 'emphasis')
      if (/^#[0-9a-f]{6}$/i.test(row.color || '')) big.style.color = row.color
      article.append(big)
      continue
    }
    const value = element('dd', row.value)
    if (/^#[0-9a-f]{6}$/i.test(row.color || '')) value.style.color = row.color
    rows.append(element('dt', row.name), value)
  }
  article.append(rows, element('footer', '#' + card.seq + ' · ' + card.openid + (card.page ? ' · ' + card.page : '')))
  return article
}

function show (card) {
  if (card.seq <= newest) return
  newest = card.seq
  list.prepend(draw(card))
  while (list.childElementCount > KEEP) list.lastElementChild.remove()
}

async function load () {
  const first = await (await fetch('/sandbox/cards?limit=1')).json()
  const page = await (await fetch('/sandbox/cards?after=' + Math.max(0, first.last_seq - KEEP))).json()
  page.data.forEach(show)
}

async function clock () {
  setClock(await (await fetch('/sandbox/clock')).json())
}

function setClock (c) {
  document.getElementById('clock').textContent = new Date(c.now).toLocaleString()
}

const stream = new EventSource('/sandbox/stream')
stream.onopen = () => { state.textContent = 'live · 实时'; load(); clock() }
stream.onerror = () => { state.textContent = 'connecting … · 正在连接' }
stream.addEventListener('card', (e) => show(JSON.parse(e.data)))
stream.addEventListener('clock', (e) => setClock(JSON.parse(e.data)))
stream.addEventListener('reset', () => { newest = 0; list.replaceChildren() })
