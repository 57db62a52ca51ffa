package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/wxnotify/wxnotify/sandbox"
)

// A test of one's own uses sandbox.Start(t, sandbox.Options{}) and points the
// code under test at URL. Here a bare HTTP client plays that code.
func Example() {
	wx := sandbox.New(sandbox.Options{})
	defer wx.Close()
	server := httptest.NewServer(wx)
	defer server.Close()

	// A user submits a form.
	form, err := wx.SubmitForm(sandbox.FirstAppID, sandbox.FirstUser, 1)
	if err != nil {
		fmt.Println(err)
		return
	}

	// The code under test sends a message.
	_, _ = http.Post(server.URL+"/cgi-bin/message/wxopen/template/send?access_token="+token(server.URL), "application/json", strings.NewReader(`{
		"touser": "`+sandbox.FirstUser+`", "template_id": "`+sandbox.ClassicTemplate+`", "form_id": "`+form.FormID+`",
		"data": {"keyword1": {"value": "已接单"}, "keyword3": {"value": "张一山"}}}`))

	// The card is on the phone.
	cards, _ := wx.Cards(context.Background(), sandbox.CardQuery{Openid: sandbox.FirstUser})
	for _, row := range cards[0].Rows {
		fmt.Printf("%s %q\n", row.Name, row.Value)
	}
	// Output:
	// 状态 "已接单"
	// 时间 ""
	// 骑手 "张一山"
	// 电话 ""
	// 备注 ""
}

func token(url string) string {
	resp, err := http.Get(url + "/cgi-bin/token?grant_type=client_credential&appid=" + sandbox.FirstAppID + "&secret=" + sandbox.FirstSecret)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var out struct {
		Token string `json:"access_token"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&out)
	return out.Token
}
