// The configuration of Envoy's rate limit service, as Envoy Gateway makes it of what `egctl` translates to `--to ir`:
// it serves it to that service itself, and no command of it prints it. The module bears its name, because only
// modules below it may call what is internal to it.
//
// Source: https://github.com/envoyproxy/gateway (internal/globalratelimit/runner)
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/envoyproxy/gateway/internal/ir"
	"github.com/envoyproxy/gateway/internal/xds/translator"
)

func configurations() (map[string]string, error) {
	var given struct {
		Gateways map[string]*ir.Xds `json:"xdsIR"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, gateway := range given.Gateways {
		for _, each := range translator.BuildRateLimitServiceConfig(gateway.HTTP) {
			text, err := translator.GetRateLimitServiceConfigStr(each)
			if err != nil {
				return nil, err
			}
			found[each.Domain] = text
		}
	}
	return found, nil
}

func main() {
	found, err := configurations()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
