package server

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/ anew")

// The manual's tables of settings and of errors are drawn from Config, from
// wxnotify.Codes and from wechat.Codes: go test ./server -run Manual -update
func TestManualHasTheTables(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"../docs/settings.md":       settingsPage(false),
		"../docs/settings.zh-CN.md": settingsPage(true),
		"../docs/errors.md":         errorsPage(false),
		"../docs/errors.zh-CN.md":   errorsPage(true),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the tables in the code say; run go test ./server -run Manual -update", file)
		}
	}
}

const settingsHead = `# Settings

A setting has one name in three places: the flag ` + "`--wechat-url`, the environment variable `WXNOTIFY_WECHAT_URL`, the key `wechat_url`" + `
in the file that ` + "`--config wxnotify.toml` (or `WXNOTIFY_CONFIG`)" + ` names. A flag beats the environment, which beats the file. An empty variable counts as not set.

A secret (🔒) may also be given as the name of a file that holds it: ` + "`--api-key-file`, `WXNOTIFY_API_KEY_FILE`, `api_key_file`" + `.

An unknown flag or file key is an error that names the nearest known one; an unknown variable that begins with ` + "`WXNOTIFY_`" + ` is a warning.

| setting | default | commands | meaning |
|---|---|---|---|
`

const settingsHeadZh = `# 配置项

每个配置项在三处使用同一个名字：命令行参数 ` + "`--wechat-url`、环境变量 `WXNOTIFY_WECHAT_URL`、配置文件键 `wechat_url`" + `；
配置文件由 ` + "`--config wxnotify.toml`（或 `WXNOTIFY_CONFIG`）" + `指定。优先级：命令行 > 环境变量 > 配置文件。空的环境变量视为未设置。

机密项（🔒）也可以写成“存放该值的文件名”：` + "`--api-key-file`、`WXNOTIFY_API_KEY_FILE`、`api_key_file`" + `。

未知的命令行参数或配置文件键会报错，并提示最接近的名字；以 ` + "`WXNOTIFY_`" + ` 开头的未知环境变量只给出警告。

| 配置项 | 默认值 | 适用命令 | 含义 |
|---|---|---|---|
`

func settingsPage(zh bool) string {
	var b strings.Builder
	b.WriteString(settingsHead)
	if zh {
		b.Reset()
		b.WriteString(settingsHeadZh)
	}
	for _, s := range Settings() {
		name, byDefault, text := code(s.Key()), code(s.Default), s.En
		if s.Secret {
			name += " 🔒"
		}
		if s.Demo != "" {
			byDefault += " (demo: " + code(s.Demo) + ")"
		}
		if zh {
			text = s.Zh
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, byDefault, strings.Join(s.For, ", "), text)
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
