package sandbox_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify/sandbox"
)

func TestSubmittedFormBecomesCard(t *testing.T) {
	t.Parallel()
	w := start(t)
	form := w.form(sandbox.FirstUser)
	expect(t, "send", w.call("POST", templateSend+w.token(), order(form)), 0, "ok")

	_, body := w.do("GET", "/sandbox/cards", nil)
	var got struct {
		Data    []sandbox.Card `json:"data"`
		LastSeq int            `json:"last_seq"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	blue, page, emphasis := "#173177", "pages/order/detail?id=1019", "keyword1"
	want := []sandbox.Card{{
		Seq: 1, Time: "2017-10-19T04:00:00.000Z", AppID: sandbox.FirstAppID, Openid: sandbox.FirstUser,
		TemplateID: sandbox.ClassicTemplate, Channel: "template", Title: "接单通知", Page: &page, FormID: &form,
		Rows: []sandbox.Row{
			{Key: "keyword1", Name: "状态", Value: "已接单", Color: &blue},
			{Key: "keyword2", Name: "时间", Value: "2017年10月19日 12:31", Color: &blue},
			{Key: "keyword3", Name: "骑手", Value: "张一山", Color: &blue},
			{Key: "keyword4", Name: "电话", Value: "136xxxx1720", Color: &blue},
			{Key: "keyword5", Name: "备注", Value: "请手机保持通畅", Color: &blue},
		},
		Emphasis: &emphasis,
	}}
	if diff := cmp.Diff(want, got.Data); diff != "" || got.LastSeq != 1 {
		t.Errorf("last_seq %d, cards (-want +got):\n%s", got.LastSeq, diff)
	}
}
