// One request or event: what was asked, what was answered, what WeChat checks.

import { post } from './api.js'
import { checks } from './checks.js'
import { curl } from './curl.js'
import { arrows, el, refill } from './dom.js'
import { pretty, tokens } from './exact.js'
import { copy, failed, note } from './note.js'
import { link } from './settings.js'
import { t } from './words.js'
import { world } from './world.js'

const longest = 30000 // characters of JSON that are shown
const tabs = { request: ['request', 'answer', 'checks'], event: ['event', 'delivery'] }
let tab = { request: 'request', event: 'event' }

export function drawDetail (box, e) {
  if (!e) return refill(box, el('p.nothing', null, t('detail_empty')))
  const bar = el('div.tabs', { role: 'tablist', 'aria-label': t('detail') }, tabs[e.kind].map((name) => el('button', {
    type: 'button', role: 'tab', id: 'tab-' + name, 'aria-controls': 'panel', 'aria-selected': String(name === tab[e.kind]), data: { key: 'tab' + name },
    on: { click: () => { tab[e.kind] = name; drawDetail(box, e) } }
  }, t('tab_' + name))))
  arrows(bar, '[role=tab]')
  refill(box,
    el('div.dhead', null, bar, el('span.space'), actions(e)),
    el('div.panel', { role: 'tabpanel', id: 'panel', tabindex: '0', 'aria-labelledby': 'tab-' + tab[e.kind] }, panels[tab[e.kind]](e)))
}

function actions (e) {
  const button = (key, act) => el('button.btn', { type: 'button', data: { key, do: key }, on: { click: act } }, t(key))
  return [
    e.kind === 'request' && button('copy_curl', () => copy(curl(e))),
    e.kind === 'event' && button('push_again', () => pushAgain(e)),
    button('copy_link', () => copy(link(e.kind, e.seq)))
  ]
}

async function pushAgain (e) {
  try {
    const { answered, problem } = await post('/sandbox/events', { appid: e.appid, event: e.event })
    note(answered ? t('delivered') : problem, !answered)
  } catch (error) { failed(error) }
}

const panels = {
  request: (e) => [
    el('p.call', null, '#' + e.seq + ' ' + e.method + ' ' + e.path + (e.query ? '?' + e.query : '')),
    e.body === null ? el('p.soft', null, t('no_body')) : json(e.body)
  ],
  answer: (e) => [
    el('p.call', null, e.answered ? '← ' + e.status + ' · ' + e.ms + ' ms' : t(e.effect ? 'check_lost' : 'check_dropped')),
    el('p.call', null, t(e.effect ? 'took_effect' : 'no_effect')),
    e.answer === null ? el('p.soft', null, t('no_body')) : json(e.answer)
  ],
  checks: (e) => el('ul.checks', null, checks(e).map(([state, text]) => el('li.' + state, null,
    el('span.mark', { 'aria-label': t('check_state_' + state) }, { ok: '✓', bad: '✕', warn: '!', skip: '·' }[state]), el('span', null, text)))),
  event: (e) => json(e.event),
  delivery: (e) => el('dl.facts', null,
    fact(t('callback'), world.apps.find((a) => a.appid === e.appid)?.callback?.url || t('none')),
    fact(t('deliveries'), e.deliveries), fact(t('outcome'), e.deliveries === 0 ? t('no_callback') : e.answered ? t('delivered') : e.problem))
}

const fact = (name, value) => [el('dt', null, name), el('dd', null, value)]

// json shows a value with colours; what is no JSON was text.
function json (value) {
  const text = typeof value === 'string' ? value : pretty(value)
  const cut = text.length > longest
  const pieces = typeof value === 'string' ? [['', text.slice(0, longest)]] : tokens(text.slice(0, longest))
  return el('pre.json', null, pieces.map(([kind, piece]) => (kind ? el('span.' + kind, null, piece) : piece)), cut ? el('span.soft', null, '\n' + t('cut', { n: text.length - longest })) : '')
}
