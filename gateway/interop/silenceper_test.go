package interop_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/miniprogram"
	"github.com/silenceper/wechat/v2/miniprogram/config"
	"github.com/silenceper/wechat/v2/miniprogram/subscribe"
	"github.com/silenceper/wechat/v2/util"
)

// silenceper runs an errand with github.com/silenceper/wechat/v2. The SDK has
// the host in its constants: either its URLs are modified, or the name of
// WeChat's host leads to us.
func silenceper(e errand) error {
	if e.SDK == "silenceper/wechat" {
		util.SetURIModifier(func(uri string) string { return strings.Replace(uri, weChat, e.URL, 1) })
		util.DefaultHTTPClient = &http.Client{Transport: trusting(os.Getenv("CERT"), "")}
	} else {
		util.DefaultHTTPClient = &http.Client{Transport: trusting(os.Getenv("CERT"), strings.TrimPrefix(e.URL, "https://"))}
	}
	mini := wechat.NewWechat().GetMiniProgram(&config.Config{AppID: e.AppID, AppSecret: e.Secret, Cache: cache.NewMemory()})
	session, err := mini.GetAuth().Code2Session(e.Code)
	if err != nil {
		return err
	}
	if session.OpenID != e.OpenID || session.SessionKey == "" {
		return fmt.Errorf("logged in as %+v", session)
	}
	if err := sendTemplate(mini, e); err != nil {
		return err
	}
	msgid, err := mini.GetSubscribe().SendGetMsgID(&subscribe.Message{
		ToUser: e.OpenID, TemplateID: e.Subscribe, Page: "pages/index",
		Data: map[string]*subscribe.DataItem{"character_string1": {Value: "1"}, "time2": {Value: "12:31"}, "thing3": {Value: "请当面签收"}},
	})
	if err != nil {
		return err
	}
	list, err := mini.GetSubscribe().ListTemplates()
	if err != nil {
		return err
	}
	if msgid == 0 || len(list.Data) == 0 {
		return fmt.Errorf("msgid %d, %d templates", msgid, len(list.Data))
	}
	return nil
}

// sendTemplate: the SDK has lost its call for template messages; what is left
// of it is the token and the HTTP client.
func sendTemplate(mini *miniprogram.MiniProgram, e errand) error {
	token, err := mini.GetContext().GetAccessToken()
	if err != nil {
		return err
	}
	raw, err := util.PostJSON(weChat+"/cgi-bin/message/wxopen/template/send?access_token="+token, map[string]any{
		"touser": e.OpenID, "template_id": e.Template, "form_id": e.FormID, "page": "pages/index",
		"data": map[string]any{"keyword1": map[string]string{"value": "已接单", "color": "#173177"}},
	})
	if err != nil {
		return err
	}
	if err := util.DecodeWithCommonError(raw, "template/send"); err != nil {
		return errors.New(err.Error())
	}
	return nil
}
