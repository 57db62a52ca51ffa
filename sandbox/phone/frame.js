// The frame of a phone: status bar, navigation bar, screen, toasts and sheets.

import { $, el, svg } from './dom.js'
import { language } from './words.js'
import { now, on } from './world.js'

// frame fills a figure with a phone and returns its parts.
export function frame (figure, name) {
  const clock = el('span.time')
  const nav = el('div.nav')
  const body = el('div.body')
  const toast = el('div.toast', { role: 'status' })
  const screen = el('div.screen.' + name, null,
    el('div.wxbar', null, el('div.status', null, clock, el('span.signs', null, signal(), battery())), nav),
    body, toast, el('div.home'))
  const caption = el('figcaption')
  figure.replaceChildren(el('div.phone', null, screen), caption)
  const tick = () => { clock.textContent = hours(now()) }
  on('clock', tick)
  setInterval(tick, 1000)
  return { screen, nav, body, caption, toast: toaster(toast) }
}

export const hours = (date) => String(date.getHours()).padStart(2, '0') + ':' + String(date.getMinutes()).padStart(2, '0')

// dayAndHours is how chats date a message: today's with the hour alone.
export function dayAndHours (date) {
  if (date.toDateString() === now().toDateString()) return hours(date)
  return date.toLocaleDateString(language === 'zh' ? 'zh-CN' : 'en-US', { month: 'short', day: 'numeric' }) + ' ' + hours(date)
}

function toaster (node) {
  let end = 0
  return (text) => {
    node.textContent = text
    node.classList.add('on')
    clearTimeout(end)
    end = setTimeout(() => node.classList.remove('on'), 2200)
  }
}

// sheet slides something up over the screen. build gets close and returns the
// content. Escape and a tap beside it close it; the focus returns.
export function sheet (phone, label, build) {
  const { screen } = phone
  const back = document.activeElement
  $('.sheet', screen)?.dispatchEvent(new Event('away'))
  const others = [...screen.children]
  const mask = el('div.mask', { on: { click: close } })
  const box = el('div.sheet', { role: 'dialog', 'aria-modal': 'true', 'aria-label': label, tabindex: '-1' })
  function close () {
    mask.remove()
    box.remove()
    for (const o of others) o.inert = false
    if (back && back.isConnected) back.focus({ preventScroll: true })
  }
  box.addEventListener('away', close)
  box.addEventListener('keydown', (e) => { if (e.key === 'Escape') close() })
  box.append(...[build(close)].flat())
  for (const o of others) if (!o.matches('.toast')) o.inert = true
  screen.append(mask, box)
  box.focus({ preventScroll: true })
  return close
}

// menu is a sheet of actions: [label, action].
export function menu (phone, label, cancel, items) {
  sheet(phone, label, (close) => {
    const item = ([text, act]) => el('button', { type: 'button', on: { click: () => { close(); act() } } }, text)
    return el('div.menu', null, items.map(item), el('button', { type: 'button', on: { click: close } }, cancel))
  })
}

export const back = () => svg(11, 20, '0 0 11 20', ['path', { d: 'M10 1 1.6 10 10 19', fill: 'none', stroke: 'currentColor', 'stroke-width': 2 }])

const signal = () => svg(17, 11, '0 0 17 11',
  ...[[0, 7, 4], [4.6, 4.8, 6.2], [9.2, 2.4, 8.6], [13.8, 0, 11]].map(([x, y, height]) => ['rect', { x, y, width: 3, height, rx: 0.8, fill: 'currentColor' }]))

const battery = () => svg(25, 12, '0 0 25 12',
  ['rect', { x: 0.5, y: 0.5, width: 21, height: 11, rx: 3, fill: 'none', stroke: 'currentColor', opacity: 0.45 }],
  ['rect', { x: 2, y: 2, width: 18, height: 8, rx: 1.8, fill: 'currentColor' }],
  ['path', { d: 'M23 4v4c.8-.3 1.4-1.1 1.4-2S23.8 4.3 23 4z', fill: 'currentColor', opacity: 0.5 }])

export const tick = (size, color = '#fff') => svg(size, size, '0 0 12 12',
  ['path', { d: 'M2.2 6.3 5 9l5-6', stroke: color, 'stroke-width': 1.8, fill: 'none' }])
