(* HeapShift.v - C8: where the memory lies does not matter; and a region that goes back. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Heap HeapLaws HeapFree.
Import ListNotations.
Open Scope Z_scope.

Section Shift.
Variable least : Z.
Hypothesis least_1 : 1 <= least.

Theorem drop_ok h : forall p n h', ok least h -> drop h p n = Some h' -> ok least h'.
Proof.
  intros p n h' [O A]. unfold ok. revert O A h'. generalize 0.
  induction h as [|b t IH]; simpl; intros lo O A h'; [discriminate|]. destruct O as (O1 & O2 & O3), A as [A1 A2].
  destruct ((at_ b =? p) && (len b =? n) && negb (live b)); intros H.
  - injection H as <-. split; trivial. eapply ordered_weaken; [|exact O3]. unfold stop. lia.
  - destruct (drop t p n) as [t'|] eqn:D; [|discriminate]. injection H as <-.
    destruct (IH _ O3 A2 _ eq_refl) as [O' A'].
    assert (O'' : forall lo, ordered least lo t -> ordered least lo t').
    { clear - D least_1. revert t' D. induction t as [|c t IH]; simpl; intros t' D lo; [discriminate|]. intros (P1 & P2 & P3).
      destruct ((at_ c =? p) && (len c =? n) && negb (live c)).
      - injection D as <-. eapply ordered_weaken; [|exact P3]. unfold stop. lia.
      - destruct (drop t p n) as [t2|]; [|discriminate]. injection D as <-. simpl. auto. }
    assert (J : match t' with c :: _ => joins b c = false | [] => True end).
    { destruct t as [|c t]; simpl in D; [discriminate|]. destruct ((at_ c =? p) && (len c =? n) && negb (live c)).
      - injection D as <-. destruct t as [|d t]; trivial. simpl in O3. unfold joins, stop in *.
        apply andb_false_iff. right. apply Z.eqb_neq. lia.
      - destruct (drop t p n) as [t2|]; [|discriminate]. injection D as <-. exact A1. }
    split; simpl; auto.
Qed.
(* Just the free block of that extent goes. *)
Theorem drop_members h : forall p n h', drop h p n = Some h' ->
  exists u b v, h = u ++ b :: v /\ h' = u ++ v /\ at_ b = p /\ len b = n /\ live b = false.
Proof.
  induction h as [|b t IH]; simpl; intros p n h' H; [discriminate|].
  destruct ((at_ b =? p) && (len b =? n) && negb (live b)) eqn:E.
  - injection H as <-. rewrite !andb_true_iff, negb_true_iff, !Z.eqb_eq in E. exists [], b, t. intuition.
  - destruct (drop t p n) as [t'|] eqn:D; [|discriminate]. injection H as <-.
    destruct (IH _ _ _ D) as (u & c & v & -> & -> & Q). exists (b :: u), c, v. auto.
Qed.

Variables (d align : Z).
Hypothesis align_1 : 1 <= align.
Hypothesis d_aligned : d mod align = 0.

Lemma gap_shift p : gap least align (p + d) = gap least align p.
Proof.
  unfold gap. replace (- (p + d)) with (- p + - d) by lia.
  assert (E : (- d) mod align = 0) by (rewrite Z.mod_opp_l_z by lia; lia).
  rewrite <- Z.add_mod_idemp_r, E, Z.add_0_r by lia. reflexivity.
Qed.
Notation move b := (Blk (at_ b + d) (len b) (live b)).
Lemma fits_shift need b : fits least need align (move b) = fits least need align b.
Proof. unfold fits. simpl. rewrite gap_shift. reflexivity. Qed.
(* C8: the same request, of the same heap elsewhere, is granted at the same place there, and leaves the same heap. *)
Theorem take_shift h : forall s need, take least (shift d h) (s + d) need align =
  option_map (fun g => (fst (fst g) + d, snd (fst g), shift d (snd g))) (take least h s need align).
Proof.
  induction h as [|b t IH]; simpl; intros s need; trivial.
  replace (at_ b + d =? s + d) with (at_ b =? s) by (apply Bool.eq_iff_eq_true; rewrite !Z.eqb_eq; lia).
  destruct (at_ b =? s).
  - rewrite fits_shift. destruct (fits least need align b); trivial.
    unfold cut. simpl. rewrite gap_shift. unfold shift.
    destruct (gap least align (at_ b) =? 0); destruct (_ <? least); simpl; repeat (f_equal; try lia).
  - rewrite IH. destruct (take least t s need align) as [((p, n), t')|]; reflexivity.
Qed.
Theorem release_shift h : forall p, release (shift d h) (p + d) = option_map (shift d) (release h p).
Proof.
  assert (J : forall a t, join (move a) (shift d t) = shift d (join a t)).
  { intros a [|b t]; simpl; trivial. unfold joins, stop; simpl.
    replace (at_ a + d + len a =? at_ b + d) with (at_ a + len a =? at_ b) by (apply Bool.eq_iff_eq_true; rewrite !Z.eqb_eq; lia).
    destruct (negb (live a) && negb (live b) && (at_ a + len a =? at_ b)); reflexivity. }
  induction h as [|b t IH]; simpl; intros p; trivial.
  replace (at_ b + d =? p + d) with (at_ b =? p) by (apply Bool.eq_iff_eq_true; rewrite !Z.eqb_eq; lia).
  destruct (at_ b =? p).
  - destruct (live b); trivial. simpl. f_equal. apply (J (Blk p (len b) false)).
  - rewrite IH. destruct (release t p); trivial. simpl. f_equal. apply J.
Qed.
Lemma find_shift (f g : blk -> bool) h : (forall b, f (move b) = g b) ->
  find f (shift d h) = option_map (fun b => move b) (find g h).
Proof. intros E. induction h as [|b t IH]; simpl; trivial. rewrite E, IH. destruct (g b); reflexivity. Qed.
Theorem first_fit_shift need h : first_fit least need align (shift d h) = option_map (Z.add d) (first_fit least need align h).
Proof.
  unfold first_fit. rewrite (find_shift _ (fits least need align)) by (intro; apply fits_shift).
  destruct (find _ h); simpl; trivial. f_equal. lia.
Qed.
Theorem next_fit_shift rover need h :
  next_fit least (rover + d) need align (shift d h) = option_map (Z.add d) (next_fit least rover need align h).
Proof.
  unfold next_fit. rewrite (find_shift _ (fun b => (rover <=? at_ b) && fits least need align b)).
  - destruct (find _ h); simpl; [f_equal; lia|]. apply first_fit_shift.
  - intro b. rewrite fits_shift. simpl. f_equal. apply Bool.eq_iff_eq_true. rewrite !Z.leb_le. lia.
Qed.
Theorem best_fit_shift need h : best_fit least need align (shift d h) = option_map (Z.add d) (best_fit least need align h).
Proof.
  unfold best_fit. assert (E : shortest least need align (shift d h) = option_map (fun b => move b) (shortest least need align h)).
  { induction h as [|b t IH]; simpl; trivial. rewrite IH, fits_shift.
    destruct (shortest least need align t) as [c|]; simpl; destruct (fits least need align b); simpl; trivial.
    destruct (len b <=? len c); trivial. }
  rewrite E. destruct (shortest _ _ _ h); simpl; trivial. f_equal. lia.
Qed.
End Shift.
