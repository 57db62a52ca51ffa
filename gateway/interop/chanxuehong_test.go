package interop_test

import (
	"fmt"
	"net/http"
	"os"

	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/oauth2"
)

// chanxuehong runs an errand with github.com/chanxuehong/wechat. It is made for
// official accounts: of a mini program it knows login and token, and the rest
// goes through its client's GetJSON and PostJSON.
func chanxuehong(e errand) error {
	hc := &http.Client{Transport: detour(e.URL, os.Getenv("CERT"))}
	session, err := oauth2.GetSessionWithClient(oauth2.NewEndpoint(e.AppID, e.Secret), e.Code, hc)
	if err != nil {
		return err
	}
	if session.OpenId != e.OpenID || session.SessionKey == "" {
		return fmt.Errorf("logged in as %+v", session)
	}
	clt := core.NewClient(core.NewDefaultAccessTokenServer(e.AppID, e.Secret, hc), hc)
	type value struct {
		Value string `json:"value"`
	}
	var answer core.Error
	if err := clt.PostJSON(weChat+"/cgi-bin/message/wxopen/template/send?access_token=", map[string]any{
		"touser": e.OpenID, "template_id": e.Template, "form_id": e.FormID, "data": map[string]value{"keyword1": {"已接单"}},
	}, &answer); err != nil {
		return err
	}
	if answer.ErrCode != 0 {
		return &answer
	}
	var sent struct {
		core.Error
		MsgID int64 `json:"msgid"`
	}
	if err := clt.PostJSON(weChat+"/cgi-bin/message/subscribe/send?access_token=", map[string]any{
		"touser": e.OpenID, "template_id": e.Subscribe,
		"data": map[string]value{"character_string1": {"1"}, "time2": {"12:31"}, "thing3": {"请当面签收"}},
	}, &sent); err != nil {
		return err
	}
	var list struct {
		core.Error
		Data []any `json:"data"`
	}
	if err := clt.GetJSON(weChat+"/wxaapi/newtmpl/gettemplate?access_token=", &list); err != nil {
		return err
	}
	if sent.ErrCode != 0 || sent.MsgID == 0 || list.ErrCode != 0 || len(list.Data) == 0 {
		return fmt.Errorf("sent %+v, templates %+v", sent, list)
	}
	return nil
}
