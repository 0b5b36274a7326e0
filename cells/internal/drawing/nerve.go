package main

import "math"

// nerve is a nerve cell: a body with a nucleus, and arms.
type nerve struct {
	x, y, r float64 // the body
	lobes   float64 // how many bumps it has
	color   light
	arms    [][]bead
}

// bead is a disc; a row of them, each next to the other, is an arm.
type bead struct{ x, y, r float64 }

// arm bends from (x0, y0) past (x1, y1) to (x2, y2), and tapers from one radius to the other.
func arm(x0, y0, x1, y1, x2, y2, from, to float64) []bead {
	const n = 28
	beads := make([]bead, n+1)
	for i := range beads {
		t := float64(i) / n
		a, b, c := (1-t)*(1-t), 2*t*(1-t), t*t
		sway := 3 * math.Sin(9*t+x0+y2) * t * (1 - t)
		beads[i] = bead{a*x0 + b*x1 + c*x2 + sway, a*y0 + b*y1 + c*y2 - sway,
			from + (to-from)*math.Sqrt(t)}
	}
	return beads
}

// bouton is the knob at the end of an axon, which all but touches the next cell.
func bouton(axon []bead, r float64) []bead {
	end := axon[len(axon)-1]
	return append(axon, bead{end.x, end.y, r})
}

var cells = []nerve{
	{x: 492, y: 132, r: 40, lobes: 5, color: light{0.62, 0.42, 0.98}, arms: [][]bead{
		arm(492, 132, 520, 60, 500, -10, 15, 3),
		arm(492, 132, 590, 90, 650, 96, 14, 3),
		arm(560, 101, 600, 70, 618, 20, 5, 2),
		arm(492, 132, 570, 190, 650, 196, 14, 3),
		arm(492, 132, 440, 70, 392, 66, 13, 2.5),
		arm(430, 84, 420, 50, 428, 18, 4, 2),
		bouton(arm(492, 132, 500, 220, 486, 300, 14, 3.5), 8),
	}},
	{x: 478, y: 372, r: 34, lobes: 4, color: light{0.16, 0.86, 0.74}, arms: [][]bead{
		arm(478, 372, 540, 330, 600, 322, 12, 2.5),
		arm(540, 340, 580, 300, 592, 268, 5, 2),
		arm(478, 372, 540, 430, 600, 490, 12, 3),
		arm(478, 372, 450, 430, 462, 490, 12, 3),
		arm(478, 372, 410, 420, 372, 482, 12, 2.5),
		arm(478, 372, 420, 330, 392, 282, 11, 2.5),
	}},
	{x: 196, y: 246, r: 62, lobes: 6, color: light{1.00, 0.62, 0.20}, arms: [][]bead{
		arm(196, 246, 150, 130, 64, 84, 24, 4),
		arm(112, 122, 100, 70, 112, 14, 8, 2.5),
		arm(196, 246, 230, 120, 214, -10, 22, 4),
		arm(222, 100, 262, 70, 300, 20, 7, 2.5),
		arm(196, 246, 80, 240, -10, 272, 22, 4),
		arm(60, 248, 40, 200, -10, 186, 7, 2.5),
		arm(196, 246, 130, 360, 60, 400, 22, 4),
		arm(110, 362, 110, 430, 84, 490, 8, 3),
		arm(196, 246, 240, 370, 232, 490, 22, 4),
		bouton(arm(196, 246, 330, 290, 434, 176, 22, 4), 10),
	}},
}

// over lays the cell over what is behind it: a glow around it, its skin, its inside, its nucleus.
func (n *nerve) over(behind light, x, y float64) light {
	d := n.distance(x, y)
	if d > 120 {
		return behind
	}
	l := behind.add(n.color, 0.22*math.Exp(-max(d, 0)/16))

	depth := smooth(0, 22, -d)
	inside := n.color.mix(light{1, 1, 1}, 0.25*(1-depth)).mix(light{0.05, 0.04, 0.12}, 0.52*depth)
	inside = inside.add(light{1, 1, 1}, 0.05*depth*grain(x/2, y/2))
	l = l.mix(inside, coverage(d))

	nucleus := math.Hypot(x-n.x-0.08*n.r, (y-n.y+0.05*n.r)*1.08) - 0.42*n.r
	l = l.mix(n.color.mix(light{1, 1, 1}, 0.55+0.25*smooth(0, 0.4*n.r, -nucleus)),
		coverage(nucleus))
	core := math.Hypot(x-n.x-0.16*n.r, y-n.y+0.10*n.r) - 0.13*n.r
	return l.mix(light{0.16, 0.08, 0.20}, coverage(core))
}

// distance is how far a point is from the cell's skin, below 0 inside. Where the parts
// meet, they melt.
func (n *nerve) distance(x, y float64) float64 {
	angle := math.Atan2(y-n.y, x-n.x)
	d := math.Hypot(x-n.x, y-n.y) - n.r*(1+0.05*math.Sin(n.lobes*angle+n.x))
	for _, beads := range n.arms {
		nearest := math.Inf(1)
		for i := 1; i < len(beads); i++ {
			nearest = min(nearest, beads[i-1].to(beads[i], x, y))
		}
		d = melt(d, nearest, 12)
	}
	return d
}

// to is the distance of a point from the line between two beads, less the radius there.
func (b bead) to(next bead, x, y float64) float64 {
	dx, dy := next.x-b.x, next.y-b.y
	length := dx*dx + dy*dy
	if length == 0 {
		return math.Hypot(x-b.x, y-b.y) - max(b.r, next.r)
	}
	t := min(max(((x-b.x)*dx+(y-b.y)*dy)/length, 0), 1)
	return math.Hypot(x-b.x-t*dx, y-b.y-t*dy) - (b.r + t*(next.r-b.r))
}

// melt is the smaller of two distances, rounded off where they are nearly the same.
func melt(a, b, width float64) float64 {
	h := max(width-math.Abs(a-b), 0) / width
	return min(a, b) - h*h*width/4
}

// coverage is how much of a pixel lies inside, which makes for smooth outlines.
func coverage(distance float64) float64 { return min(max(0.5-distance, 0), 1) }

// grain is noise from -1 to 1 that depends on nothing but the place.
func grain(x, y float64) float64 {
	h := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 13
	return float64(h&0xffff)/0x8000 - 1
}
