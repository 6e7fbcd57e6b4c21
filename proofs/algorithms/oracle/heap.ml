(* The oracle of the sequential-fit heap: follows the traces of driver/heap.cpp on the extracted functions. *)
open Extracted
open Lines

let free_of heap = List.filter_map (fun b -> if b.live then None else Some (int b.at_, int b.len)) heap

let run () =
  let heap = ref [] and policy = ref 0 and least = ref 1 and rover = ref 0 and refused = ref false and fresh = ref None in
  let grain align = z (max 1 (align / 16)) in
  let granules size = max ((size + 15) / 16) !least in
  (* What the policy finds: the block's begin where it determines it, otherwise any that `allows` it. *)
  let find need align =
    let l = z !least in
    match !policy with
    | 0 -> first_fit l need align !heap
    | 1 -> next_fit l (z !rover) need align !heap
    | 2 -> best_fit l need align !heap
    | _ -> Option.map (fun _ -> Z0) (tlsf_class need align !heap)
  in
  let block_at p = List.find_opt (fun b -> (not b.live) && int b.at_ <= p && p < int b.at_ + int b.len) !heap in
  let length s = List.find_map (fun b -> if b.at_ = s then Some (int b.len) else None) !heap in
  let chosen need align p =
    match !fresh with Some b -> b | None ->  (* what was made for the request is taken for it *)
    match (find need align, block_at p) with
    | None, _ -> refute "granted, but no free block fits"
    | _, None -> refute "granted what was not free"
    | Some s, Some b -> begin
        match !policy with
        | 0 | 1 -> demand (b.at_ = s) (Printf.sprintf "another block than the policy's, which begins at %d" (int s)); b
        | 2 ->
            demand (fits (z !least) need align b && Some (int b.len) = length s) "not of the shortest that fit"; b
        | _ ->
            demand (Some (class_of b.len) = tlsf_class need align !heap) "not of the class that is to be found"; b
      end
  in
  let allocate size align p n =
    let need = z (granules size) and al = grain align in
    if p < 0 then begin
      demand (find need al = None) "refused, though a free block fits";
      demand !refused "refused, though no region was refused"
    end else begin
      let b = chosen need al p in
      match take (z !least) !heap b.at_ need al with
      | Some ((p', n'), h) ->
          demand (int p' = p && int n' = n) (Printf.sprintf "must be %d granules at %d" (int n') (int p'));
          heap := h;
          rover := int b.at_
      | None -> refute "the block that was chosen does not fit"
    end
  in
  each (fun what values ->
      match (what, values) with
      | 'T', [ p; l ] -> heap := []; policy := p; least := l; rover := 0; refused := false; fresh := None
      | 'R', [] -> refused := true
      | 'X', [ first; span ] ->
          let b = { at_ = z first; len = z span; live = false } in
          demand (!fresh = None) "two regions for one request";
          demand (clear_of !heap b && span >= !least) "the region meets another one";
          fresh := Some b
      | 'A', [ size; align; p; n ] ->
          (match !fresh with
           | None -> ()
           | Some b ->
               demand (p >= 0) "a region came, and yet it is refused";
               demand (find (z (granules size)) (grain align) = None) "a region came, though a free block fitted";
               heap := insert b !heap);
          allocate size align p n;
          fresh := None;
          refused := false
      | 'F', [ p; size; align; kept ] -> begin
          let outcome =
            if p land 15 <> 0 then None
            else release_as (z !least) !heap (z (p asr 4)) (z (granules size)) (grain align) in
          match outcome with
          | Some h -> demand (kept = 1) "rejected, though a live block of that layout begins there"; heap := h
          | None -> demand (kept = 0) "accepted, though no live block of that layout begins there"
        end
      | 'D', [ first; span ] -> begin
          match drop !heap (z first) (z span) with
          | Some h -> heap := h
          | None -> refute "a region went that is not wholly free"
        end
      | 'S', values ->
          let told = pairs values and known = free_of !heap in
          demand (told = known) ("must be " ^ show known)
      | _ -> refute "not a line of this kind of trace")
