'use strict';

// Runs an errand with co-wechat-api: see interop_test.go.
const assert = require('node:assert');
const API = require('co-wechat-api');

async function main() {
  const errand = JSON.parse(process.env.ERRAND);
  const api = new API(errand.appid, errand.secret);
  api.prefix = `${errand.url}/cgi-bin/`;
  api.snsPrefix = `${errand.url}/sns/`;
  api.wxaPrefix = `${errand.url}/wxa/`;

  const session = await api.code2Session(errand.code);
  assert.equal(session.openid, errand.openid);

  const sent = await api.sendMiniProgramTemplate(errand.openid, errand.template, 'pages/index', errand.form_id,
    { keyword1: { value: '已接单', color: '#173177' } }, '', 'keyword1.DATA');
  assert.equal(sent.errcode, 0);

  const subscribed = await api.sendSubscribeMessage(errand.openid, errand.subscribe, 'pages/index',
    { character_string1: { value: 1 }, time2: { value: '12:31' }, thing3: { value: '请当面签收' } });
  assert.match(String(subscribed.msgid), /^[1-9][0-9]+$/); // json-bigint keeps all digits

  // The SDK has no call of its own for these lists.
  const { accessToken } = await api.ensureAccessToken();
  const classic = await api.request(`${api.prefix}wxopen/template/list?access_token=${accessToken}`,
    { method: 'POST', data: JSON.stringify({ offset: 0, count: 20 }), headers: { 'Content-Type': 'application/json' } });
  assert.equal(classic.list[0].template_id, errand.template);
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
