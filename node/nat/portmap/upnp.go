package portmap

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/huin/goupnp"
	igd "github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

// upnp speaks UPnP with an Internet gateway device. It uses goupnp, except for the search:
// goupnp 1.3.0 goes wherever anyone sends it.
type upnp struct {
	service wan
	source  netip.Addr
	forever bool // the router does not support leases
}

// wan is a service that opens ports.
type wan interface {
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
	AddPortMappingCtx(ctx context.Context, remote string, outside uint16, protocol string,
		inside uint16, client string, enabled bool, description string, seconds uint32) error
	DeletePortMappingCtx(ctx context.Context, remote string, outside uint16, protocol string) error
}

const (
	// maxServices bounds how many services of a router are asked.
	maxServices = 4
	// otherPorts is how many random ports are tried if the wanted one is taken, and
	// firstOther is the lowest of them.
	otherPorts = 3
	firstOther = 10000
)

// upnpTaken is the code of the UPnP error for a port that another machine has.
const upnpTaken = 718

var errNoService = errors.New("the router has no service that opens ports")

// newUPnP finds the router's service that opens ports.
func newUPnP(ctx context.Context, router, source netip.Addr) (found *upnp, err error) {
	client := newClient(router, source)
	err = search(ctx, router, source, func(place *url.URL) error {
		service, err := describe(ctx, client, place)
		if err == nil {
			found = &upnp{service: service, source: source}
		}
		return err
	})
	return found, err
}

// describe reads the description of a device, and returns the first of its services that
// knows the router's public address.
func describe(ctx context.Context, client *http.Client, place *url.URL) (service wan, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, place.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, errors.Unwrap(err) // without the URL
	}
	defer response.Body.Close()
	services, err := readDescription(response.Body, place, client)
	if err != nil {
		return nil, err
	}
	err = errNoService
	for _, candidate := range services {
		if _, err = outside(ctx, candidate); err == nil {
			return candidate, nil
		}
	}
	return nil, err
}

// readDescription returns the services of a device that open ports, at most maxServices of
// them. place is where the description is.
func readDescription(r io.Reader, place *url.URL, client *http.Client) (services []wan, err error) {
	var root goupnp.RootDevice
	description := xml.NewDecoder(r)
	description.DefaultSpace = goupnp.DeviceXMLNamespace
	if err := description.Decode(&root); err != nil {
		return nil, fmt.Errorf("read the router's description: %w", err)
	}
	if base, err := url.Parse(root.URLBaseStr); err == nil && root.URLBaseStr != "" {
		place = base
	}
	root.SetURLBase(place)
	root.Device.VisitServices(func(s *goupnp.Service) {
		if service := serviceOf(s, client); service != nil && len(services) < maxServices {
			services = append(services, service)
		}
	})
	return services, nil
}

// serviceOf returns a service that opens ports, or nil if it is something else.
func serviceOf(s *goupnp.Service, client *http.Client) wan {
	caller := goupnp.ServiceClient{SOAPClient: s.NewSOAPClient(), Service: s}
	caller.SOAPClient.HTTPClient = *client
	switch s.ServiceType {
	case igd.URN_WANIPConnection_2:
		return &igd.WANIPConnection2{ServiceClient: caller}
	case igd.URN_WANIPConnection_1:
		return &igd.WANIPConnection1{ServiceClient: caller}
	case igd.URN_WANPPPConnection_1:
		return &igd.WANPPPConnection1{ServiceClient: caller}
	}
	return nil
}

// outside returns the router's public address.
func outside(ctx context.Context, service wan) (netip.Addr, error) {
	text, err := service.GetExternalIPAddressCtx(ctx)
	if err != nil {
		return netip.Addr{}, refusal(err)
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return ip, errNoAddress
	}
	return ip.Unmap(), nil
}

func (*upnp) name() string { return "UPnP" }

func (u *upnp) look(ctx context.Context) (netip.Addr, bool, error) {
	ip, err := outside(ctx, u.service)
	return ip, false, err
}

func (u *upnp) open(ctx context.Context, protocol string, inside, wanted uint16) (uint16, error) {
	err := u.add(ctx, protocol, inside, wanted)
	for range otherPorts {
		if !isCode(err, upnpTaken) {
			break
		}
		wanted = uint16(firstOther + rand.IntN(1<<16-firstOther))
		err = u.add(ctx, protocol, inside, wanted)
	}
	if err != nil {
		return 0, refusal(err)
	}
	return wanted, nil
}

func (u *upnp) add(ctx context.Context, protocol string, inside, outside uint16) error {
	add := func(seconds uint32) error {
		return u.service.AddPortMappingCtx(ctx, "", outside, strings.ToUpper(protocol), inside,
			u.source.String(), true, "cell", seconds)
	}
	if u.forever {
		return add(0)
	}
	err := add(uint32(lease / time.Second))
	var fault *soap.SOAPFaultError
	if !errors.As(err, &fault) || isCode(err, upnpTaken) {
		return err
	}
	if add(0) == nil { // some refuse leases with other codes than 725, which means just that
		u.forever, err = true, nil
	}
	return err
}

func (u *upnp) shut(ctx context.Context, protocol string, _, outside uint16) error {
	return refusal(u.service.DeletePortMappingCtx(ctx, "", outside, strings.ToUpper(protocol)))
}

func isCode(err error, code int) bool {
	var fault *soap.SOAPFaultError
	return errors.As(err, &fault) && fault.Detail.UPnPError.Errorcode == code
}

// refusal shortens an error that goupnp prints as XML.
func refusal(err error) error {
	var fault *soap.SOAPFaultError
	if errors.As(err, &fault) {
		return fmt.Errorf("the router refuses (code %d)", fault.Detail.UPnPError.Errorcode)
	}
	return err
}
