package interop_test

import (
	"fmt"
	"net/http"
	"os"

	"github.com/medivhzhan/weapp"
	"github.com/medivhzhan/weapp/message/template"
	"github.com/medivhzhan/weapp/token"
)

// weapp1 runs an errand with github.com/medivhzhan/weapp v1, which is of the
// time of template messages and knows nothing of subscriptions. It calls
// http.Get and http.Post, so the detour has to be everybody's.
func weapp1(e errand) error {
	http.DefaultTransport = detour(e.URL, os.Getenv("CERT"))
	user, err := weapp.Login(e.AppID, e.Secret, e.Code)
	if err != nil {
		return err
	}
	if user.OpenID != e.OpenID || user.SessionKey == "" {
		return fmt.Errorf("logged in as %+v", user)
	}
	access, life, err := token.AccessToken(e.AppID, e.Secret)
	if err != nil {
		return err
	}
	if err := template.Send(e.OpenID, e.Template, "pages/index", e.FormID, template.Message{"keyword1": "已接单"}, "keyword1.DATA", access); err != nil {
		return err
	}
	list, _, err := template.Selves(0, 20, access)
	if err != nil {
		return err
	}
	if life.Hours() != 2 || len(list) == 0 || list[0].TemplateID == "" {
		return fmt.Errorf("a token for %v, templates %+v", life, list)
	}
	return nil
}
