// What the user sees behind the gear: what this mini program may send.

import { post } from './api.js'
import { el } from './dom.js'
import { sheet } from './frame.js'
import { failed } from './note.js'
import { appName } from './person.js'
import { t } from './words.js'
import { refresh, stockOf, templates, world } from './world.js'

export function notificationSettings (phone) {
  sheet(phone, t('notification_settings'), (close) => {
    const stock = stockOf(world.user)
    const classic = templates().find((x) => x.channel === 'template')
    const set = (id, result, said) => async () => {
      close()
      try {
        await post('/sandbox/subscriptions/settings', { appid: world.app, openid: world.user, results: { [id]: result } })
        phone.toast(t(said))
      } catch (e) { failed(e) }
      refresh()
    }
    const row = (title, note, button, act) => el('div.setting', null, el('span', null, title, el('small', null, note)),
      button && el('button.wxbtn.plain.small', { type: 'button', 'aria-label': button + ' ' + title, on: { click: act } }, button))
    return el('div.settings', null,
      el('h3', null, appName(), el('small', null, t('settings_note'))),
      classic && stock && (stock.refused
        ? row(t('classic_messages'), t('state_refused'), t('allow'), set(classic.template_id, 'accept', 'allowed_again'))
        : row(t('classic_messages'), t('state_allowed'), t('refuse'), set(classic.template_id, 'reject', 'refused'))),
      stock && templates().filter((x) => x.channel === 'subscribe').map((x) => {
        const n = stock.permits.longterm.includes(x.template_id) ? '∞' : stock.permits.subscribe[x.template_id] || 0
        return row(x.title, t('may_send', { n }), n ? t('refuse') : null, set(x.template_id, 'reject', 'refused'))
      }),
      el('button.wxbtn.plain', { type: 'button', on: { click: close } }, t('close')))
  })
}
