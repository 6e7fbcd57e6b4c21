(* The oracle of sliding compaction: where driver/sliding.cpp says that objects went, and where the extracted plan puts them. *)
open Extracted
open Lines

(* What a tile has room for, between what stays. *)
let rec gaps from until = function
  | (place, n) :: rest when place < until ->
      let behind = gaps (place + n) until rest in
      if place > from then (from, place) :: behind else behind
  | _ -> if until > from then [ (from, until) ] else []

let run () =
  let tiles = ref [] and objects = ref [] in
  let judge () =
    let all = List.rev !objects in
    let islands = List.filter_map (fun (p, n, movable, _) -> if movable then None else Some (p, n)) all in
    let room = List.concat_map (fun (a, b) -> gaps a b (List.filter (fun (p, _) -> p >= a) islands)) (List.rev !tiles) in
    List.iter (fun (p, _, movable, after) ->
        demand (movable || p = after) (Printf.sprintf "what is pinned at %d has moved to %d" p after)) all;
    let movable = List.filter (fun (_, _, m, _) -> m) all in
    match slide (List.map (fun (a, b) -> (z a, z b)) room) (List.map (fun (p, n, _, _) -> (z p, z n)) movable) with
    | None -> refute "no room for what is there: the driver is wrong"
    | Some places ->
        List.iter2 (fun to_ (p, _, _, after) ->
            demand (int to_ = after) (Printf.sprintf "what was at %d must be at %d, not %d" p (int to_) after)) places movable in
  each (fun what values ->
      match (what, values) with
      | 'T', [] -> ()
      | 'H', [] -> tiles := []; objects := []
      | 'I', [ a; b ] -> tiles := (a, b) :: !tiles
      | 'O', [ p; n; movable; after ] -> objects := (p, n, movable = 1, after) :: !objects
      | 'G', [ intact ] -> demand (intact = 1) "contents or references are not what they were"; judge ()
      | _ -> refute "not a line of this kind of trace")
