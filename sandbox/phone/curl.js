// A request as a line of curl that runs. The log masks secrets and tokens: the
// secret is put back from the state, and a token is fetched by the line itself,
// with the call that leaves other tokens alone.

import { appOf } from './world.js'

const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'"

export function curl (r) {
  const app = r.appid ? appOf(r.appid) : undefined
  const body = bodyOf(r, app)
  return 'curl -sS' + (r.method === 'GET' ? '' : ' -X ' + r.method) + ' ' + address(r, app) +
    (body === null ? '' : " -H 'Content-Type: application/json' -d " + quote(body))
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
  const url = location.origin + r.path + (filled.length ? '?' + filled.join('&') : '')
  if (!app || filled.length === pairs.length) return quote(url)
  return quote(url + (filled.length ? '&' : '?') + 'access_token=') + '"$(' + token(app) + ')"'
}

const token = (app) => 'curl -sS ' + quote(location.origin + '/cgi-bin/stable_token') +
  ' -d ' + quote(JSON.stringify({ grant_type: 'client_credential', appid: app.appid, secret: app.secret })) +
  " | sed 's/.*\"access_token\":\"//; s/\".*//'"

// sendCurl is a message to the wxnotify server as a line of curl.
export function sendCurl (server, message) {
  return 'curl -sS ' + quote(server.url + '/v1/messages') + " \\\n  -H 'Authorization: Bearer " + server.key + "' \\\n  -H 'Content-Type: application/json' \\\n  -d " +
    quote(JSON.stringify(message, null, 1))
}
