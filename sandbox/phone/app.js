// The mini program as WeChat knows it: its secrets, the rules of its era, and
// where its events go.

import { post } from './api.js'
import { dialog, field, segment, select } from './dialog.js'
import { el, heading, refill } from './dom.js'
import { copyable, failed, note } from './note.js'
import { t } from './words.js'
import { appOf, refresh, show, world } from './world.js'

export function startApp (box) {
  show('state user', () => [appOf()], () => drawApp(box))
}

function drawApp (box) {
  const app = appOf()
  if (!app) return refill(box)
  const era = el('span.seg', { role: 'group', 'aria-label': t('rules') })
  segment(era, [['classic', t('rules_classic'), t('rules_classic_title')], ['today', t('rules_today'), t('rules_today_title')]], app.era,
    (v) => put({ appid: app.appid, era: v }))
  refill(box,
    heading('app-h', t('app')),
    copyable('appid', app.appid), copyable('secret', app.secret),
    el('div.pair', null, el('span', null, t('rules')), era),
    el('div.pair', null, el('span', null, t('callback')), el('code.cut', { title: app.callback?.url }, app.callback ? app.callback.url : t('none')),
      el('button.btn', { type: 'button', data: { key: 'callback' }, on: { click: () => editCallback(app) } }, t('edit'))),
    el('div.pair', null, el('span', null, 'access_token'),
      el('button.btn', { type: 'button', title: t('rival_title'), data: { key: 'rival' }, on: { click: rival } }, t('rival'))))
}

const put = (app) => post('/sandbox/apps', app).then(refresh, failed)

async function rival () {
  try {
    await post('/sandbox/tokens/revoke', { appid: world.app })
    note(t('rival_done'))
  } catch (e) { failed(e) }
}

function editCallback (app) {
  const cb = app.callback || { url: '', token: '', encoding_aes_key: '', mode: 'plain', format: 'json' }
  dialog({
    title: t('callback'),
    note: t('callback_note'),
    fields: [
      field('url', 'url', { value: cb.url, type: 'url', placeholder: 'http://127.0.0.1:8080/wechat/' + app.appid }),
      field('token', 'token', { value: cb.token }),
      field('encoding_aes_key', 'encoding_aes_key', { value: cb.encoding_aes_key, placeholder: t('aes_hint') }),
      select(t('mode'), 'mode', [['plain', t('mode_plain')], ['safe', t('mode_safe')]], cb.mode),
      select(t('format'), 'format', [['json', 'JSON'], ['xml', 'XML']], cb.format)
    ],
    button: t('save'),
    submit: async (callback) => {
      await post('/sandbox/apps', { appid: app.appid, callback })
      refresh()
    }
  })
}
