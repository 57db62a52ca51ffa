// A request as a line of curl that runs. The log masks secrets and tokens: the
// secret is put back from the state, and a token is fetched by the line itself,
// with the call that leaves other tokens alone.
//
// Whoever reaches the sandbox chooses method, path, query and body, so each is
// quoted: pasting the line must run curl and nothing else, and send no file.

import { appOf } from './world.js'

// quote makes one word of a shell. A terminal may act on control characters
// that are pasted, so these are written as escapes, which bash and zsh know.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/
const quote = (text) => controls.test(text)
  ? "$'" + text.replace(/[\\'\u0000-\u001f\u007f-\u009f]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) + "'"
  : "'" + text.replaceAll("'", "'\\''") + "'"

export function curl (r) {
  const app = r.appid ? appOf(r.appid) : undefined
  const body = bodyOf(r, app)
  return 'curl -sS' + (/[[\]{}]/.test(r.query) ? ' --globoff' : '') + (r.method === 'GET' ? '' : ' -X ' + quote(r.method)) + ' ' + address(r, app) +
    (body === null ? '' : " -H 'Content-Type: application/json' --data-raw " + quote(body))
}

function bodyOf (r, app) {
  if (r.body === null || r.method === 'GET') return null
  if (typeof r.body !== 'object') return String(r.body)
  return JSON.stringify(app && 'secret' in r.body ? { ...r.body, secret: app.secret } : r.body)
}

function address (r, app) {
  const pairs = r.query ? r.query.split('&') : []
  const filled = pairs.map((pair) => {
    const name = pair.split('=')[0]
    return app && name === 'secret' ? 'secret=' + encodeURIComponent(app.secret) : pair
  }).filter((pair) => !pair.startsWith('access_token='))
  const path = encodeURI(r.path).replace(/[?#]/g, encodeURIComponent)
  const url = location.origin + path + (filled.length ? '?' + filled.join('&') : '')
  if (!app || filled.length === pairs.length) return quote(url)
  return quote(url + (filled.length ? '&' : '?') + 'access_token=') + '"$(' + token(app) + ')"'
}

const token = (app) => 'curl -sS ' + quote(location.origin + '/cgi-bin/stable_token') +
  ' -d ' + quote(JSON.stringify({ grant_type: 'client_credential', appid: app.appid, secret: app.secret })) +
  " | sed 's/.*\"access_token\":\"//; s/\".*//'"

// sendCurl is a message to the wxnotify server as a line of curl.
export function sendCurl (server, message) {
  return 'curl -sS ' + quote(server.url + '/v1/messages') + ' \\\n  -H ' + quote('Authorization: Bearer ' + server.key) + " \\\n  -H 'Content-Type: application/json' \\\n  -d " +
    quote(JSON.stringify(message, null, 1))
}
