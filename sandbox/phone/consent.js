// The sheet of wx.requestSubscribeMessage: each template can be ticked; the
// ticked are accepted, the others rejected, and "cancel" rejects all. Whoever
// ticks "always keep" is not asked again, and each tap counts as before.

import { post } from './api.js'
import { el } from './dom.js'
import { sheet, tick } from './frame.js'
import { failed } from './note.js'
import { handIn } from './peer.js'
import { appIcon, appName } from './person.js'
import { t } from './words.js'
import { on, refresh, tell, world } from './world.js'

const name = (kind) => [world.app, world.user, kind].join(' ')
let kept = {}
try { kept = JSON.parse(localStorage.getItem('always') || '{}') } catch {}

export const isKept = (kind) => name(kind) in kept
export function unkeep (kind) { delete kept[name(kind)]; store() }

function store () {
  tell('kept')
  try { localStorage.setItem('always', JSON.stringify(kept)) } catch {}
}

on('reset', () => { kept = {}; store() })

// askConsent shows the sheet, or answers it as the user wanted for always.
export async function askConsent (phone, kind, list) {
  const always = kept[name(kind)]
  if (always) return answer(phone, list, (id) => always.includes(id))
  const ticked = new Set(list.map((x) => x.template_id))
  let keep = false
  sheet(phone, t('sheet'), (close) => {
    const done = (accepted) => async () => {
      close()
      if (keep) {
        kept[name(kind)] = [...ticked].filter(accepted)
        store()
      }
      await answer(phone, list, (id) => ticked.has(id) && accepted(id)).catch(failed)
      refresh()
    }
    return el('div.ask', null,
      el('div.head', null, appIcon(24), t('sheet_app', { app: appName() })),
      el('h3', null, t(kind === 'once' ? 'sheet_once' : 'sheet_longterm')),
      list.map((x) => choice(x.title, x.keywords.map((k) => k.name).join(' · '), true, (yes) => (yes ? ticked.add(x.template_id) : ticked.delete(x.template_id)))),
      choice(t('sheet_always'), '', false, (yes) => { keep = yes }, '.always'),
      el('div.two', null,
        el('button.wxbtn.plain', { type: 'button', data: { choice: 'cancel' }, on: { click: done(() => false) } }, t('cancel')),
        el('button.wxbtn', { type: 'button', data: { choice: 'allow' }, on: { click: done(() => true) } }, t('allow'))))
  })
}

function choice (label, note, ticked, change, more = '') {
  const box = el('button.choice' + more, { type: 'button', role: 'checkbox', 'aria-checked': String(ticked) },
    el('i', null, tick(12)), el('span', null, label, note && el('small', null, note)))
  box.addEventListener('click', () => {
    const yes = box.getAttribute('aria-checked') !== 'true'
    box.setAttribute('aria-checked', String(yes))
    change(yes)
  })
  return box
}

async function answer (phone, list, accepts) {
  const results = Object.fromEntries(list.map((x) => [x.template_id, accepts(x.template_id) ? 'accept' : 'reject']))
  await post('/sandbox/subscriptions', { appid: world.app, openid: world.user, results })
  const n = Object.values(results).filter((r) => r === 'accept').length
  phone.toast(n ? t('accepted', { n }) : t('rejected'))
  await handIn(Object.entries(results).map(([id, result]) => ({ source: 'subscribe', template_id: id, result })))
}
