(* The oracles of the bitmap and of tlsf's index: follow driver/bitmap.cpp and driver/bins.cpp on the extracted functions. *)
open Extracted
open Lines

(* A level is a function, and every change makes a longer one of it. Told anew by a table, it is the same function. *)
let told_anew words level =
  let table = Array.init words (fun w -> level (z w)) in
  fun w -> let i = int w in if 0 <= i && i < words then table.(i) else Z0
let rec levels words = function
  | [] -> []
  | l :: up -> told_anew words l :: levels ((words + 63) / 64) up

let words_for blocks = (blocks + 63) / 64
let rec empty_levels words = (fun _ -> Z0) :: (if words > 1 then empty_levels ((words + 63) / 64) else [])
(* All blocks free, made by the function that frees one; a hundred at a time, so that no function gets long. *)
let fresh =
  let known = Hashtbl.create 16 in
  fun blocks ->
    match Hashtbl.find_opt known blocks with
    | Some l -> l
    | None ->
        let words = words_for blocks in
        let all = ref (empty_levels words) in
        for i = 0 to blocks - 1 do
          all := set_free !all (z i);
          if i mod 100 = 99 then all := levels words !all
        done;
        let made = levels words !all in
        Hashtbl.add known blocks made;
        made

let run () =
  let state = ref { bits = []; begins = (fun _ -> Z0); blocks = Z0 } and base = ref 0 and size_of = ref 1 in
  let run_of size = (size - 1) / !size_of + 1 in
  let put s =
    let words = words_for (int s.blocks) in
    state := { s with bits = levels words s.bits; begins = told_anew words s.begins } in
  let free_runs () =
    let n = int !state.blocks in
    let level = List.hd !state.bits and known = Array.make (n + 64) false in
    let rec note i = function  (* the bits of a word from bit i on *)
      | XH -> known.(i) <- true
      | XO p -> note (i + 1) p
      | XI p -> known.(i) <- true; note (i + 1) p in
    for w = 0 to words_for n - 1 do
      match level (z w) with Zpos p -> note (64 * w) p | _ -> ()
    done;
    let is_free i = known.(i) in
    let rec from i acc =
      if i >= n then List.rev acc
      else if is_free i then begin
        let j = ref i in
        while !j < n && is_free !j do incr j done;
        from !j ((i, !j - i) :: acc)
      end else from (i + 1) acc in
    from 0 [] in
  each (fun what values ->
      match (what, values) with
      | 'T', [ blocks; b; size ] ->
          state := { bits = fresh blocks; begins = (fun _ -> Z0); blocks = z blocks };
          base := b;
          size_of := size
      | 'A', [ size; align; p; n ] -> begin
          let aligned i = (!base + (int i * !size_of)) land (align - 1) = 0 in
          match bitmap_allocate !state aligned (z (run_of size)) with
          | None -> demand (p < 0) "granted, though no aligned run of that length is free"
          | Some (a, s) ->
              let at = !base + (int a * !size_of) in
              demand (p = at && n = run_of size * !size_of) (Printf.sprintf "must be %d bytes at %d" (run_of size * !size_of) at);
              put s
        end
      | 'F', [ p; size; align; kept ] -> begin
          let off = p - !base in
          let outcome =
            if off < 0 || off mod !size_of <> 0 || p land (align - 1) <> 0 then None
            else bitmap_deallocate !state (z (off / !size_of)) (z (run_of size)) in
          match outcome with
          | Some s -> demand (kept = 1) "rejected, though it is a live run of that length"; put s
          | None -> demand (kept = 0) "accepted, though it is no live run of that length"
        end
      | 'S', values ->
          let known = free_runs () in
          demand (pairs values = known) ("must be " ^ show known)
      | _ -> refute "not a line of this kind of trace")

let index () =
  let state = ref bins_empty in
  each (fun what values ->
      match (what, values) with
      | 'T', [] -> state := bins_empty
      | 'K', [ g; c ] -> demand (int (class_of (z g)) = c) (Printf.sprintf "must be class %d" (int (class_of (z g))))
      | 'N', [ need; align; sought ] ->
          let known = int (searched_for (z need) (z align)) in
          demand (sought = known) (Printf.sprintf "must search for %d" known)
      | 'P', [ l; b ] -> state := bins_push !state (z l) (z b)
      | 'M', [ l; b ] -> state := bins_remove !state (z l) (z b)
      | 'Q', [ l; found; head ] ->
          let known = int (bins_first_from !state (z 1152) (z l)) in
          demand (found = known) (Printf.sprintf "must find list %d" known);
          let first = if known = 1152 then -1 else match !state.heads (z known) with b :: _ -> int b | [] -> -1 in
          demand (head = first) (Printf.sprintf "must begin with block %d" first)
      | _ -> refute "not a line of this kind of trace")
