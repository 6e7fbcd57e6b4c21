(* oracle NAME <TRACES: 0 if every trace is allowed, 1 if some line is not. *)
let () =
  match Sys.argv with
  | [| _; "heap" |] -> Heap.run ()
  | [| _; "buddy" |] -> Buddy.run ()
  | [| _; "bitmap" |] -> Bitmap.run ()
  | [| _; "bins" |] -> Bitmap.index ()
  | [| _; "sliding" |] -> Sliding.run ()
  | _ -> prerr_endline "usage: oracle heap|buddy|bitmap|bins|sliding <TRACES"; exit 2
