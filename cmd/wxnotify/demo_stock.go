package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// demoForms is how many forms the sample user has submitted.
const demoForms = 3

// prepare brings the server and a fresh sandbox together: each is told of the
// other, the sandbox's clock goes on from where the last one stopped, what the
// last one gave is taken away, and the sample user's forms are handed in.
func (d *demo) prepare(ctx context.Context, c *client.Client) error {
	if err := d.join(ctx, c); err != nil {
		return fmt.Errorf("register the sample app: %w", err)
	}
	if err := d.goOn(ctx, c); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	if err := discard(ctx, c); err != nil {
		return fmt.Errorf("take old permits away: %w", err)
	}
	if _, err := c.SyncTemplates(ctx, sandbox.FirstAppID); err != nil {
		return fmt.Errorf("fetch the templates: %w", err)
	}
	forms, err := d.world.SubmitForm(sandbox.FirstAppID, sandbox.FirstUser, demoForms)
	if err != nil {
		return fmt.Errorf("submit forms: %w", err)
	}
	var permits []client.NewPermit
	for _, id := range forms.FormIDs {
		permits = append(permits, client.NewPermit{To: sandbox.FirstUser, Source: "form", Code: id})
	}
	results, err := c.DepositPermits(ctx, sandbox.FirstAppID, permits)
	for _, r := range results {
		if err == nil && r.Error != nil {
			err = r.Error
		}
	}
	if err != nil {
		return fmt.Errorf("hand in permits: %w", err)
	}
	return nil
}

// join makes the sample app one of a sandbox for the server, and has the
// sandbox push its events there: encrypted, with secrets that live as long as
// this sandbox does.
func (d *demo) join(ctx context.Context, c *client.Client) error {
	yes, name, secret, safe := true, "演示", sandbox.FirstSecret, "safe"
	token, key := rand.Text(), (rand.Text() + rand.Text())[:43]
	_, err := c.ChangeApp(ctx, sandbox.FirstAppID, client.AppSettings{
		Sandbox: &yes, Name: &name, Secret: &secret,
		Callback: &client.CallbackSettings{Token: &token, EncodingAESKey: &key, Mode: &safe},
	})
	if err != nil {
		return err
	}
	url := "http://" + d.addr
	d.world.Join(sandbox.Peer{
		URL: url, AppID: sandbox.FirstAppID, Key: d.conf.APIKey.Reveal(),
		Callback: &sandbox.Callback{URL: url + "/wechat/" + sandbox.FirstAppID, Token: token, EncodingAESKey: key},
	})
	return nil
}

// goOn moves the clock of the fresh sandbox to where an earlier demo had moved
// its own, as the newest message tells: time never runs backwards.
func (d *demo) goOn(ctx context.Context, c *client.Client) error {
	newest, err := take(c.Messages(ctx, client.MessageFilter{PageSize: 1}), 1)
	if err != nil || len(newest) == 0 {
		return err
	}
	ahead := time.Until(newest[0].CreatedAt)
	if ahead <= 0 {
		return nil
	}
	_, err = d.world.Advance(ahead.Truncate(time.Second) + time.Second)
	return err
}

// discard takes away the permits that an earlier sandbox gave. This one does
// not know them, and messages would only find that out one by one.
func discard(ctx context.Context, c *client.Client) error {
	for p, err := range c.Permits(ctx, client.PermitFilter{State: "free", PageSize: 250}) {
		if err != nil {
			return err
		}
		if err := c.DeletePermit(ctx, p.App, p.ID); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// gone says that somebody was faster: a waiting message has taken the permit.
func gone(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && (p.Code == "permit_in_use" || p.Code == "not_found")
}

// storyOf reads what a line of the newsreel tells. Names come from the sandbox.
func (d *demo) storyOf(c *client.Client) func(ctx context.Context, id string) (story, error) {
	users, titles := map[string]string{}, map[string]string{}
	learn := func() {
		state := d.world.State()
		for _, u := range state.Users {
			users[u.Openid] = u.Nickname
		}
		for _, t := range state.Templates {
			titles[t.TemplateID] = t.Title
		}
	}
	learn()
	return func(ctx context.Context, id string) (story, error) {
		m, err := c.Message(ctx, id)
		if err != nil {
			return story{}, err
		}
		if users[m.To] == "" || titles[m.TemplateID] == "" {
			learn()
		}
		return story{
			at: m.UpdatedAt, state: m.State, reason: m.Reason, user: known(users, m.To), template: known(titles, m.TemplateID),
			took: m.UpdatedAt.Sub(later(m.CreatedAt, m.SendAt)),
		}, nil
	}
}

// known is the name of an id, or the id.
func known(names map[string]string, id string) string {
	if n := names[id]; n != "" {
		return n
	}
	return id
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
