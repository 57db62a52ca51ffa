package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/wxnotify/wxnotify/server"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help shows an example.
func (*versionCmd) Help() string { return "Example:\n\n  wxnotify version" }

// Run prints the version, the Go that built it and the platform.
func (c *versionCmd) Run() error {
	v, platform := server.Version(), runtime.GOOS+"/"+runtime.GOARCH
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]string{"version": v, "go": runtime.Version(), "platform": platform})
	}
	_, err := fmt.Printf("wxnotify %s (%s, %s)\n", v, runtime.Version(), platform)
	return err
}
