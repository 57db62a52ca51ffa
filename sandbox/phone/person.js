// How users and mini programs are shown.

import { el, svg } from './dom.js'
import { t } from './words.js'
import { world } from './world.js'

// The sandbox's first app has a name of its own; of others only the id is known.
export function appName (appid = world.app) {
  const first = world.apps[0]
  return !appid || (first && appid === first.appid) ? t('app_name') : appid
}

export function appIcon (size) {
  const line = { fill: 'none', stroke: '#fff', 'stroke-width': 1.7, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }
  const icon = svg(size, size, '0 0 28 28',
    ['rect', { width: 28, height: 28, rx: 14, fill: '#ff8a3d' }],
    ['path', { ...line, d: 'M7 17.5h3.2l2.2-5.6h4.2M10.4 11.9h2M17.4 17.5h3' }],
    ['circle', { ...line, cx: 9, cy: 18.6, r: 2.3 }],
    ['circle', { ...line, cx: 19.4, cy: 18.6, r: 2.3 }])
  return icon
}

const colours = ['#4277b3', '#a8622a', '#7d5fb0', '#2b7f61', '#b3505f', '#5b7a2e', '#39778a', '#8a6b3a']

export function avatar (user) {
  const box = el('span.avatar', { 'aria-hidden': 'true' }, [...user.nickname][0] || '?')
  const at = world.users.filter((u) => u.appid === user.appid).indexOf(user)
  box.style.setProperty('background-color', colours[Math.max(0, at) % colours.length])
  return box
}

export const short = (id, n = 14) => (id && id.length > n + 2 ? id.slice(0, n) + '…' : id)
