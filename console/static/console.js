// What scripts add to pages that are whole without them: times in the reader's
// zone, keys, questions before something is done, cards, plots and fresh rows.

import { card } from './card.js'
import { plots } from './plot.js'

const $ = (selector, root = document) => root.querySelector(selector)
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)]
const zone = document.documentElement.lang
const skew = Number(document.body.dataset.now) - Date.now() // a sandbox's clock may be ahead

// times

const ways = {
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' },
  short: { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  full: { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  minute: { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { year: 'numeric', month: '2-digit', day: '2-digit' }
}
const digits = 'zh-CN' // the order of year, month and day is that of ISO in both languages
const exact = new Intl.DateTimeFormat(zone, { dateStyle: 'full', timeStyle: 'long' })
const relative = new Intl.RelativeTimeFormat(zone, { numeric: 'auto', style: 'short' })

function ago (date) {
  const s = (date.getTime() - Date.now() - skew) / 1000
  for (const [unit, n] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (Math.abs(s) >= n) return relative.format(Math.trunc(s / n), unit)
  }
  return relative.format(Math.trunc(s), 'second')
}

function times (root) {
  for (const e of $$('time[datetime]', root)) {
    const date = new Date(e.dateTime)
    const as = e.dataset.as
    e.textContent = as === 'ago' ? ago(date) : new Intl.DateTimeFormat(digits, ways[as] || ways.full).format(date).replaceAll('/', '-')
    if (!e.title) e.title = exact.format(date) + ' · ' + e.dateTime
  }
}

// cards: the message as the phone shows it

function cards (root) {
  for (const e of $$('[data-card]', root)) {
    const { template, message, era } = JSON.parse(e.dataset.card)
    const drawn = card(template, message, era)
    drawn.inert = true // it is a picture here
    e.replaceChildren(drawn)
  }
}

// fresh is called for all that comes into the page.
function fresh (root) {
  times(root)
  cards(root)
  plots(root)
}
fresh(document)
setInterval(() => times(document), 20000)
document.addEventListener('htmx:afterSwap', () => { fresh(document); mark() }) // before anything is painted

// live parts: the dot tells whether the last look succeeded

function light (ok) {
  for (const e of $$('.live')) e.classList.toggle('lost', !ok)
}
document.addEventListener('htmx:afterRequest', (e) => {
  if (e.detail.requestConfig?.verb === 'get') light(e.detail.successful)
})
document.addEventListener('htmx:beforeRequest', (e) => {
  const busy = document.hidden || $('dialog[open]') || $$('[data-pick]:checked').length || $('.u-over:hover')
  if (e.target.hasAttribute('data-poll') && busy) e.preventDefault()
})

// A row that is replaced between press and release would lose the click.
let down = false
addEventListener('pointerdown', () => { down = true })
addEventListener('pointerup', () => setTimeout(() => { down = false }))
addEventListener('pointercancel', () => { down = false })
document.addEventListener('htmx:beforeSwap', (e) => {
  if (down && e.target.hasAttribute('data-poll')) e.detail.shouldSwap = false
})

// questions before something is done

const dialog = $('#ask')
document.addEventListener('submit', (e) => {
  const question = e.submitter?.dataset.ask || e.target.dataset.ask
  if (!question || e.target.dataset.sure) return
  e.preventDefault()
  $('p', dialog).textContent = question
  dialog.returnValue = 'no'
  dialog.showModal()
  dialog.onclose = () => {
    if (dialog.returnValue !== 'yes') return
    e.target.dataset.sure = '1'
    e.target.requestSubmit(e.submitter)
    delete e.target.dataset.sure
  }
})

document.addEventListener('change', (e) => {
  if (e.target.closest('[data-auto]') && e.target.name) return e.target.form.requestSubmit()
  if (e.target.matches('[data-pick-all]')) for (const box of $$('[data-pick]')) box.checked = e.target.checked
  if (e.target.matches('[data-pick], [data-pick-all]')) picked()
})

// what is a time goes out with its zone, and empty fields stay out of addresses
document.addEventListener('formdata', (e) => {
  for (const input of $$('[type=datetime-local]', e.target)) {
    if (input.value) e.formData.set(input.name, new Date(input.value).toISOString())
  }
  if (e.target.method !== 'get') return
  for (const [name, value] of [...e.formData]) if (value === '') e.formData.delete(name)
})

function picked () {
  const n = $$('[data-pick]:checked').length
  for (const e of $$('[data-picked]')) e.hidden = n === 0
  for (const e of $$('[data-picked-n]')) e.textContent = n
}

document.addEventListener('click', (e) => {
  const button = e.target.closest('[data-copy]')
  if (!button) return
  navigator.clipboard.writeText(button.dataset.copy).then(() => {
    const before = button.textContent
    button.textContent = button.dataset.copied
    setTimeout(() => { button.textContent = before }, 1500)
  })
})

// keys

let at = '' // the row where j and k are
let going = false

const rows = () => $$('tbody tr[data-href]')
function mark () {
  for (const row of rows()) row.classList.toggle('at', row.dataset.href === at)
}
function step (by) {
  const all = rows()
  if (!all.length) return
  const i = all.findIndex((row) => row.dataset.href === at)
  const row = all[Math.min(all.length - 1, Math.max(0, i < 0 ? 0 : i + by))]
  at = row.dataset.href
  mark()
  row.scrollIntoView({ block: 'nearest' })
}

const keys = {
  '/': () => { $('#search')?.focus(); $('#search')?.select() },
  '?': () => $('#help')?.showModal(),
  j: () => step(1),
  k: () => step(-1),
  x: () => { const box = $('tr.at [data-pick]'); if (box) { box.checked = !box.checked; picked() } },
  Enter: () => { if ($('tr.at')) location.href = at },
  g: () => { going = true; setTimeout(() => { going = false }, 1200) }
}
document.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || $('dialog[open]')) return
  const over = e.target.closest('dialog') // closed, and the focus has not left it yet
  if (!over && e.target.closest('input, select, textarea, button, a, summary') && !(e.target.matches('[type=checkbox]') && e.key !== 'Enter')) {
    if (e.key === 'Escape') e.target.blur()
    return
  }
  const go = going && $('[data-go="' + CSS.escape(e.key) + '"]')
  if (go) return go.click()
  if (!keys[e.key]) return
  e.preventDefault()
  keys[e.key]()
})
document.addEventListener('click', (e) => {
  const row = e.target.closest('tr[data-href]')
  if (row && !e.target.closest('a, button, input, label, summary') && !String(getSelection())) location.href = row.dataset.href
})
document.body.dataset.ready = ''
