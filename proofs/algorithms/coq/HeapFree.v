(* HeapFree.v - deallocate on the heap of Heap.v; first, next and best fit are policies; regions come and go. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Heap HeapLaws.
Import ListNotations.
Open Scope Z_scope.

(* The policies, as functions: what they find, not how. *)
Definition first_fit (least : Z) : policy := fun need align h => option_map at_ (find (fits least need align) h).
Definition next_fit (least rover : Z) : policy := fun need align h =>
  match find (fun b => (rover <=? at_ b) && fits least need align b) h with
  | Some b => Some (at_ b)
  | None => first_fit least need align h
  end.
(* The lowest of the shortest; `shortest` is what best_fit promises, the lowest is one choice among equals. *)
Fixpoint shortest (least need align : Z) (h : heap) : option blk :=
  match h with
  | [] => None
  | b :: t =>
      match shortest least need align t with
      | Some c => if fits least need align b && (len b <=? len c) then Some b else Some c
      | None => if fits least need align b then Some b else None
      end
  end.
Definition best_fit (least : Z) : policy := fun need align h => option_map at_ (shortest least need align h).

(* A region from upstream is one free block somewhere between the others. *)
Fixpoint insert (b : blk) (h : heap) : heap :=
  match h with
  | [] => [b]
  | c :: t => if at_ b <? at_ c then b :: h else c :: insert b t
  end.
(* A wholly free region goes back: one free block of that very extent. *)
Fixpoint drop (h : heap) (p n : Z) : option heap :=
  match h with
  | [] => None
  | b :: t => if (at_ b =? p) && (len b =? n) && negb (live b) then Some t
              else match drop t p n with Some t' => Some (b :: t') | None => None end
  end.
(* No block of h meets or touches b: between two regions there is a header. *)
Definition clear_of (h : heap) (b : blk) : bool := forallb (fun c => (stop c <? at_ b) || (stop b <? at_ c)) h.

Section Free.
Variable least : Z.
Hypothesis least_1 : 1 <= least.
Hypothesis least_3 : least <= 3.
Notation ok := (Heap.ok least).
Notation fits := (Heap.fits least).

Lemma join_ordered a h lo : ordered least lo (a :: h) -> ordered least lo (join a h).
Proof.
  destruct h as [|b t]; simpl; trivial. destruct (joins a b) eqn:J; simpl; trivial.
  unfold joins in J. rewrite !andb_true_iff, Z.eqb_eq in J. unfold stop in *; simpl.
  intros (A & B & C & D & E). repeat split; try lia. eapply ordered_weaken; [|exact E]. lia.
Qed.
Lemma join_apart a h : apart h -> apart (join a h).
Proof.
  destruct h as [|b t]; simpl; auto. intros [H A]. destruct (joins a b) eqn:J; simpl; [|rewrite J; auto].
  split; trivial. destruct t as [|c t]; trivial. unfold joins in *. rewrite !andb_true_iff, !negb_true_iff, Z.eqb_eq in J.
  destruct J as [[LA LB] E]. rewrite LB in H. unfold stop in *; simpl in *. rewrite <- H. do 2 f_equal. lia.
Qed.
Lemma join_live a h c : In c (join a h) /\ live c = true <-> In c (a :: h) /\ live c = true.
Proof.
  destruct h as [|b t]; simpl; [tauto|]. destruct (joins a b) eqn:J; simpl; [|tauto].
  unfold joins in J. rewrite !andb_true_iff, !negb_true_iff in J. destruct J as [[LA LB] _].
  split; intros [I L]; (split; [|trivial]).
  - destruct I as [<-|I]; [discriminate|tauto].
  - destruct I as [<-|[<-|I]]; [congruence|congruence|tauto].
Qed.
Lemma join_total a h : total (join a h) = total (a :: h).
Proof. destruct h as [|b t]; simpl; trivial. destruct (joins a b); simpl; lia. Qed.
Lemma join_free a h lo x : ordered least lo (a :: h) -> free_at (join a h) x <-> free_at (a :: h) x.
Proof.
  destruct h as [|b t]; simpl; [tauto|]. destruct (joins a b) eqn:J; [|tauto].
  unfold joins in J. rewrite !andb_true_iff, !negb_true_iff, Z.eqb_eq in J. destruct J as [[LA LB] E].
  intros (A & B & C & D & _). unfold free_at, contains, stop in *. simpl. split.
  - intros (c & [<-|I] & L & X); simpl in *; [|exists c; auto].
    destruct (Z_lt_dec x (at_ a + len a)); [exists a | exists b]; intuition lia.
  - intros (c & [<-|[<-|I]] & L & X); [| |exists c; auto];
    exists (Blk (at_ a) (len a + len b) false); simpl; intuition lia.
Qed.

Lemma release_ordered h : forall lo p h', release h p = Some h' -> ordered least lo h -> ordered least lo h'.
Proof.
  induction h as [|b t IH]; simpl; intros lo p h' R O; [discriminate|]. destruct O as (A & B & C).
  destruct (at_ b =? p) eqn:E.
  - apply Z.eqb_eq in E. destruct (live b); [|discriminate]. injection R as <-. apply join_ordered. simpl.
    unfold stop in *. simpl. rewrite <- E. auto.
  - destruct (release t p) as [t'|] eqn:T; [|discriminate]. injection R as <-. apply join_ordered. simpl. eauto.
Qed.
Lemma release_apart h : forall p h', release h p = Some h' -> apart h -> apart h'.
Proof.
  induction h as [|b t IH]; simpl.
  - discriminate.
  - intros p h' R [A1 A2]. destruct (at_ b =? p).
    + destruct (live b); [|discriminate]. injection R as <-. apply join_apart; trivial.
    + destruct (release t p) as [t'|] eqn:T; [|discriminate]. injection R as <-. apply join_apart. eauto.
Qed.
Theorem release_ok h p h' : ok h -> release h p = Some h' -> ok h'.
Proof. intros [O A] R. split; [eapply release_ordered | eapply release_apart]; eauto. Qed.
(* C5: it succeeds if and only if a live block begins there. *)
Theorem release_rejects h p : ok h -> release h p <> None <-> exists b, In b h /\ live b = true /\ at_ b = p.
Proof.
  intros [O _]. revert O. generalize 0. induction h as [|b t IH]; simpl; intros lo O.
  - split; [tauto | intros (? & [] & _)].
  - destruct O as (A & B & C). destruct (at_ b =? p) eqn:E.
    + apply Z.eqb_eq in E. destruct (live b) eqn:L; (split; [|intros (c & I & LC & AC)]).
      * intros _. exists b. auto.
      * discriminate.
      * intros N. now destruct N.
      * destruct I as [<-|I]; [congruence|]. pose proof (ordered_ge _ least_1 _ _ _ C I). unfold stop in *. lia.
    + apply Z.eqb_neq in E. specialize (IH _ C). destruct (release t p) as [t'|]; (split; [|intros (c & I & LC & AC)]).
      * intros _. destruct (proj1 IH ltac:(discriminate)) as (c & I & R). exists c. auto.
      * discriminate.
      * intros N. now destruct N.
      * destruct I as [<-|I]; [tauto|]. apply IH. eauto.
Qed.
Section Given.
Variables (h h' : heap) (p : Z).
Hypothesis K : ok h.
Hypothesis R : release h p = Some h'.
(* C2: every other live block stays just as it was. *)
Theorem release_frame : forall c, (In c h' /\ live c = true) <-> (In c h /\ live c = true /\ at_ c <> p).
Proof.
  destruct K as [O _]. clear K. revert h' R O. generalize 0. induction h as [|b t IH]; simpl; intros lo h' R O c; [discriminate|].
  destruct O as (A & B & C). destruct (at_ b =? p) eqn:E.
  - apply Z.eqb_eq in E. destruct (live b) eqn:L; [|discriminate]. injection R as <-. rewrite join_live. simpl. split.
    + intros [[<-|I] LC]; [discriminate|]. pose proof (ordered_ge _ least_1 _ _ _ C I). unfold stop in *.
      repeat split; auto. lia.
    + intros [[<-|I] [LC N]]; tauto.
  - apply Z.eqb_neq in E. destruct (release t p) as [t'|] eqn:T; [|discriminate]. injection R as <-. rewrite join_live. simpl.
    pose proof (IH _ _ eq_refl C c). split.
    + intros [[<-|I] LC]; tauto.
    + intros [[<-|I] [LC N]]; tauto.
Qed.
(* Just the granules of the block become free. *)
Theorem release_free : forall x, free_at h' x <->
  free_at h x \/ exists b, In b h /\ live b = true /\ at_ b = p /\ contains b x.
Proof.
  destruct K as [O _]. clear K. revert h' R O. generalize 0. induction h as [|b t IH]; simpl; intros lo h' R O x; [discriminate|].
  destruct O as (A & B & C). destruct (at_ b =? p) eqn:E.
  - apply Z.eqb_eq in E. destruct (live b) eqn:L; [|discriminate]. injection R as <-.
    rewrite join_free with (lo := lo) by (simpl; unfold stop in *; simpl; rewrite <- E; auto).
    unfold free_at, contains, stop in *. simpl. split.
    + intros (c & [<-|I] & LC & X); [right|left]; [exists b; simpl in *; rewrite E; auto | exists c; auto].
    + intros [(c & [<-|I] & LC & X)|(c & [<-|I] & LC & AC & X)]; [congruence|exists c; auto| |].
      * exists (Blk p (len b) false). simpl. rewrite <- E. auto.
      * pose proof (ordered_ge _ least_1 _ _ _ C I). unfold stop in *. lia.
  - apply Z.eqb_neq in E. destruct (release t p) as [t'|] eqn:T; [|discriminate]. injection R as <-.
    assert (O' : ordered least lo (b :: t')) by (simpl; split; [|split]; trivial; eapply release_ordered; eauto).
    rewrite join_free with (lo := lo) by exact O'.
    specialize (IH _ _ eq_refl C x). unfold free_at in *. simpl. split.
    + intros (c & [<-|I] & LC & X); [left; exists b; auto|].
      destruct (proj1 IH) as [(d & J & Q)|(d & J & Q)]; [exists c; auto|left; exists d; auto|right; exists d; auto].
    + intros [(c & [<-|I] & LC & X)|(c & [<-|I] & LC & AC & X)]; [exists b; auto| |tauto|].
      * destruct (proj2 IH) as (d & J & Q); [left; exists c; auto|exists d; auto].
      * destruct (proj2 IH) as (d & J & Q); [right; exists c; auto|exists d; auto].
Qed.
(* C3 *)
Theorem release_conserves : total h' = total h.
Proof.
  revert h' R. clear K. induction h as [|b t IH]; simpl; intros h' R; [discriminate|].
  destruct (at_ b =? p).
  - destruct (live b); [|discriminate]. injection R as <-. rewrite join_total. reflexivity.
  - destruct (release t p) as [t'|] eqn:T; [|discriminate]. injection R as <-. rewrite join_total. simpl.
    rewrite (IH _ eq_refl). reflexivity.
Qed.
End Given.

(* C5, with the layout: only a live block that begins there and is as long as the layout would be granted. *)
Theorem release_as_rejects h p need align : ok h -> release_as least h p need align <> None <->
  exists b, In b h /\ live b = true /\ at_ b = p /\ need <= len b < need + least /\ p mod align = 0.
Proof.
  intros K. unfold release_as. destruct (existsb _ h) eqn:E.
  - apply existsb_exists in E. destruct E as (b & I & E). unfold live_as in E.
    rewrite !andb_true_iff, Z.leb_le, Z.ltb_lt, !Z.eqb_eq in E. rewrite (release_rejects h p K). split; intros _; exists b; intuition lia.
  - split; [tauto|]. intros (b & I & L & A & N & M). exfalso.
    assert (existsb (live_as least p need align) h = true); [|congruence].
    apply existsb_exists. exists b. split; trivial. unfold live_as.
    rewrite !andb_true_iff, Z.leb_le, Z.ltb_lt, !Z.eqb_eq. intuition lia.
Qed.

(* The policies are policies. *)
Lemma find_none (f : blk -> bool) h b : In b h -> f b = true -> find f h <> None.
Proof. intros I F N. pose proof (find_none f h N b I). congruence. Qed.
Theorem first_fit_sound : sound least (first_fit least).
Proof.
  intros need align h s. unfold first_fit. destruct (find _ h) as [b|] eqn:E; [|discriminate]. intros [= <-].
  apply find_some in E. exists b. tauto.
Qed.
Theorem first_fit_complete : complete least (first_fit least).
Proof.
  intros need align h b I F. unfold first_fit. pose proof (find_none _ h b I F). destruct (find _ h); [discriminate|tauto].
Qed.
Theorem next_fit_sound rover : sound least (next_fit least rover).
Proof.
  intros need align h s. unfold next_fit. destruct (find _ h) as [b|] eqn:E; [|apply first_fit_sound]. intros [= <-].
  apply find_some in E. rewrite andb_true_iff in E. exists b. tauto.
Qed.
Theorem next_fit_complete rover : complete least (next_fit least rover).
Proof.
  intros need align h b I F. unfold next_fit. destruct (find _ h); [discriminate|]. eapply first_fit_complete; eauto.
Qed.
Lemma shortest_spec need align h : match shortest least need align h with
  | Some b => In b h /\ fits need align b = true /\ forall c, In c h -> fits need align c = true -> len b <= len c
  | None => forall c, In c h -> fits need align c = false
  end.
Proof.
  induction h as [|b t IH]; simpl; [tauto|]. destruct (shortest least need align t) as [c|].
  - destruct IH as (I & F & M). destruct (fits need align b && (len b <=? len c)) eqn:E.
    + rewrite andb_true_iff, Z.leb_le in E. destruct E as [FB LE]. repeat split; auto.
      intros d [<-|J] FD; [lia|]. specialize (M d J FD). lia.
    + repeat split; auto. intros d [<-|J] FD; auto. rewrite FD in E. simpl in E. apply Z.leb_gt in E. lia.
  - destruct (fits need align b) eqn:F.
    + repeat split; auto. intros d [<-|J] FD; [lia|]. rewrite (IH d J) in FD. discriminate.
    + intros d [<-|J]; auto.
Qed.
Theorem best_fit_sound : sound least (best_fit least).
Proof.
  intros need align h s. unfold best_fit. pose proof (shortest_spec need align h). destruct (shortest _ _ _ h) as [b|]; [|discriminate].
  intros [= <-]. exists b. tauto.
Qed.
Theorem best_fit_complete : complete least (best_fit least).
Proof.
  intros need align h b I F. unfold best_fit. pose proof (shortest_spec need align h) as S.
  destruct (shortest _ _ _ h); [discriminate|]. rewrite (S b I) in F. discriminate.
Qed.

(* Regions: a region that touches no other comes as one free block, and goes as one. *)
Lemma insert_in b h c : In c (insert b h) <-> c = b \/ In c h.
Proof.
  induction h as [|d t IH]; simpl; [intuition|]. destruct (at_ b <? at_ d); simpl; [intuition|]. rewrite IH. intuition.
Qed.
Theorem insert_ok h b : ok h -> 0 <= at_ b -> least <= len b -> clear_of h b = true -> ok (insert b h).
Proof.
  intros [O A] P L C. unfold clear_of in C. rewrite forallb_forall in C. split.
  - revert O P. generalize 0. induction h as [|d t IH]; simpl; intros lo O P; [intuition|].
    destruct O as (O1 & O2 & O3). assert (Cd := C d (or_introl eq_refl)). rewrite orb_true_iff, !Z.ltb_lt in Cd.
    destruct (at_ b <? at_ d) eqn:E; [apply Z.ltb_lt in E | apply Z.ltb_ge in E]; simpl; unfold stop in *.
    + repeat split; trivial; lia.
    + repeat split; trivial. apply IH; trivial; [apply A|intros; apply C; simpl; auto|lia].
  - assert (N : forall c, In c h -> joins c b = false /\ joins b c = false).
    { intros c I. specialize (C c I). rewrite orb_true_iff, !Z.ltb_lt in C. unfold joins.
      assert (least <= len c) by (exact (proj2 (ordered_ge _ least_1 _ _ _ O I))).
      split; apply andb_false_iff; right; apply Z.eqb_neq; unfold stop in *; lia. }
    clear C O. induction h as [|d t IH]; simpl; [auto|]. destruct A as [A1 A2]. destruct (at_ b <? at_ d).
    + simpl. split; [apply N; simpl; auto|auto].
    + simpl. split; [|apply IH; auto; intros; apply N; simpl; auto].
      destruct t as [|e t]; simpl; [apply N; simpl; auto|]. destruct (at_ b <? at_ e); [apply N; simpl; auto|exact A1].
Qed.
End Free.
