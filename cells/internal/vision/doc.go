// Package vision is the work of the three cells that see: edge_detector, retina and brain. It knows
// pictures and bytes, no sockets: each cell is a function over an io.ReadWriter, and whom it asks
// is a function too, so that the whole chain runs in memory as well.
//
//	brain          {"width":640,"height":480,"edge_share":0.0414,"where":"center",...}
//	  asks retina          the picture, normalised, and then its edges
//	    asks edge_detector   the edges of a picture
//
// Every cell here reads a picture until its caller ends the writing side, answers, and
// ends its own. Nothing else marks an end: a picture is all there is on the wire.
//
// # Answers and errors
//
// edge_detector and retina answer with a PNG, which begins with \x89PNG, or with one line of text,
// "error: " and the reason. brain answers one line of JSON, a [Report] or {"error":"the reason"}.
// A cell that gets an error from the cell it asked passes it on, that cell's name in front:
// "error: edge_detector: not a picture: ...".
//
// # Definitions
//
// They are exact, so that anyone can check the numbers. To round is to round to the
// nearest whole number, and halves up.
//
// Gray is 8 bit luma as [color.GrayModel] has it: Rec. 601 weights on the gamma-encoded
// values, colors premultiplied by alpha, so that what is transparent is black.
//
// An edge's magnitude at a pixel is the length of the Sobel gradient divided by 4:
//
//	     -1 0 1         -1 -2 -1
//	gx = -2 0 2    gy =  0  0  0    magnitude = min(255, round(sqrt(gx² + gy²) / 4))
//	     -1 0 1          1  2  1
//
// Beyond the border the picture goes on with its nearest pixel (coordinates are clamped).
// The 4 makes the unit plain: a straight step between the levels a and b has magnitude
// |a-b|.
//
// To normalise a picture is, in this order, to make it gray; if a side is longer than
// [MaxSide], to scale it down to that (the other side in proportion, rounded, at least 1;
// bilinear, each source pixel has its part); and to stretch the contrast: with lo and hi
// the darkest and brightest level, a level v becomes round(255·(v-lo) / (hi-lo)). A
// picture with hi-lo < [MinRange] keeps its levels: stretching it would make edges of its
// noise, and a flat one has nothing to divide by.
//
// A pixel is an edge when its magnitude is at least [Threshold]. What brain counts is in [Report].
package vision
