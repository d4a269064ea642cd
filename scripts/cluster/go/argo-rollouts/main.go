// A traffic router for Argo Rollouts that writes what its plugin for the Gateway API writes, in the same
// order and under the same field manager: it reads the HTTPRoute, sets the weights of both Services and a label, and
// puts the whole object back; a route without one of them is left as it is. The plugin itself cannot be had as a
// Go module.
//
// Source: https://github.com/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi (setHTTPRouteWeight)
package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting/plugin/rpc"
	"github.com/argoproj/argo-rollouts/utils/plugin/types"
	plugins "github.com/hashicorp/go-plugin"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	name            = "argoproj-labs/gatewayAPI"
	inProgress      = "rollouts.argoproj.io/gatewayapi-canary"
	inProgressValue = "in-progress"
)

var routes = schema.GroupVersionResource{
	Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes",
}

type router struct{ client dynamic.Interface }

func told(err error) types.RpcError {
	if err == nil {
		return types.RpcError{}
	}
	return types.RpcError{ErrorString: err.Error()}
}

func (r *router) InitPlugin() types.RpcError {
	rules := clientcmd.NewDefaultClientConfigLoadingRules() // KUBECONFIG, which the controller hands on
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err == nil {
		r.client, err = dynamic.NewForConfig(config)
	}
	return told(err)
}

func (r *router) SetWeight(rollout *v1alpha1.Rollout, weight int32, _ []v1alpha1.WeightDestination) types.RpcError {
	return told(r.setWeight(rollout, int64(weight)))
}

func (r *router) setWeight(rollout *v1alpha1.Rollout, weight int64) error {
	canary := rollout.Spec.Strategy.Canary
	var where struct{ HTTPRoute, Namespace string }
	if err := json.Unmarshal(canary.TrafficRouting.Plugins[name], &where); err != nil {
		return err
	}
	if where.Namespace == "" {
		where.Namespace = rollout.Namespace
	}
	client := r.client.Resource(routes).Namespace(where.Namespace)
	route, err := client.Get(context.TODO(), where.HTTPRoute, v1.GetOptions{})
	if err != nil {
		return err
	}
	rules, _, err := unstructured.NestedSlice(route.Object, "spec", "rules")
	if err != nil {
		return err
	}
	weights := map[string]int64{canary.CanaryService: weight, canary.StableService: 100 - weight}
	found := map[string]bool{}
	for _, rule := range rules {
		backends, _ := rule.(map[string]any)["backendRefs"].([]any)
		for _, each := range backends {
			backend := each.(map[string]any)
			service := backend["name"].(string)
			if weight, known := weights[service]; known {
				backend["weight"] = weight
				found[service] = true
			}
		}
	}
	if len(found) < len(weights) {
		return errors.New("backendRef was not found in httpRoute")
	}
	if err := unstructured.SetNestedSlice(route.Object, rules, "spec", "rules"); err != nil {
		return err
	}
	labels := route.GetLabels()
	if weight == 0 {
		delete(labels, inProgress)
	} else {
		labels[inProgress] = inProgressValue
	}
	route.SetLabels(labels)
	_, err = client.Update(context.TODO(), route, v1.UpdateOptions{})
	return err
}

func (r *router) UpdateHash(*v1alpha1.Rollout, string, string, []v1alpha1.WeightDestination) types.RpcError {
	return types.RpcError{}
}

func (r *router) SetHeaderRoute(*v1alpha1.Rollout, *v1alpha1.SetHeaderRoute) types.RpcError {
	return types.RpcError{}
}

func (r *router) SetMirrorRoute(*v1alpha1.Rollout, *v1alpha1.SetMirrorRoute) types.RpcError {
	return types.RpcError{}
}

func (r *router) VerifyWeight(*v1alpha1.Rollout, int32, []v1alpha1.WeightDestination) (types.RpcVerified, types.RpcError) {
	return types.Verified, types.RpcError{}
}

func (r *router) RemoveManagedRoutes(*v1alpha1.Rollout) types.RpcError { return types.RpcError{} }

func (r *router) Type() string { return "GatewayAPI" }

func main() {
	plugins.Serve(&plugins.ServeConfig{
		HandshakeConfig: plugins.HandshakeConfig{
			ProtocolVersion: 1, MagicCookieKey: "ARGO_ROLLOUTS_RPC_PLUGIN", MagicCookieValue: "trafficrouter",
		},
		Plugins: map[string]plugins.Plugin{"RpcTrafficRouterPlugin": &rpc.RpcTrafficRouterPlugin{Impl: &router{}}},
	})
}
